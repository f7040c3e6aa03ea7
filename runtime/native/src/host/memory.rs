//! `mmap`, `munmap`, `__sbrk`, `brk`: memory in pages of 64 KiB, at the end of linear memory or where some came back.

use faaslet_wasi::{Errno, WasiHost};
use wasmtime::{Caller, Error, Linker, Result};

use super::errno::fail;
use super::guest_memory::copy_out;
use crate::fault::Fault;
use crate::memory::{Blocks, Break, WASM_PAGE};
use crate::state::State;

type Host<'a> = Caller<'a, State>;
/// `Err` in it ends the call; `Ok(Err)` is for the guest.
type Outcome<T> = Result<std::result::Result<T, Errno>>;

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap(
        "env",
        "mmap",
        |mut caller: Host<'_>, address: u32, length: u32, protection: u32, flags: u32, fd: u32, offset: i64| {
            caller.data_mut().go_on()?;
            let wanted = Mapping { address, length, protection, flags, fd, offset };
            let mapped = wanted.map(&mut caller);
            answer(&mut caller, mapped)
        },
    )?;
    linker.func_wrap("env", "munmap", |mut caller: Host<'_>, address: u32, length: u32| {
        caller.data_mut().go_on()?;
        let unmapped = unmap(&mut caller, address, length);
        answer(&mut caller, unmapped)
    })?;
    linker.func_wrap("env", "__sbrk", |mut caller: Host<'_>, increment: i32| {
        caller.data_mut().go_on()?;
        let moved = move_break(&mut caller, increment.into());
        answer(&mut caller, moved)
    })?;
    linker.func_wrap("env", "brk", |mut caller: Host<'_>, address: u32| {
        caller.data_mut().go_on()?;
        let set = set_break(&mut caller, address);
        answer(&mut caller, set)
    })?;
    Ok(())
}

fn answer(caller: &mut Host<'_>, outcome: Outcome<u32>) -> Result<i32> {
    match outcome {
        Ok(Ok(value)) => Ok(value.cast_signed()),
        Ok(Err(errno)) => Ok(fail(caller, errno)),
        Err(error) => Err(error),
    }
}

/// What `mmap` was asked for.
struct Mapping {
    address: u32,
    length: u32,
    protection: u32,
    flags: u32,
    fd: u32,
    offset: i64,
}

/// musl's numbers, which are Linux's.
const PROT_READ_WRITE: u32 = 1 | 2;
const PROT_EXEC: u32 = 4;
const MAP_SHARED: u32 = 1;
const MAP_PRIVATE: u32 = 2;
const MAP_FIXED: u32 = 0x10;
const MAP_ANONYMOUS: u32 = 0x20;
/// Without meaning here: NORESERVE, POPULATE, STACK.
const MAP_HINTS: u32 = 0x4000 | 0x8000 | 0x2_0000;

impl Mapping {
    fn map(&self, caller: &mut Host<'_>) -> Outcome<u32> {
        if let Err(errno) = self.check(caller.data()) {
            return Ok(Err(errno));
        }
        let pages = pages(self.length);
        let start = match self.flags & MAP_FIXED {
            0 => match take_pages(caller, pages)? {
                Some(start) => start,
                None => return Ok(Err(Errno::Nomem)),
            },
            _ => {
                // Only over what was mapped before: the program's data, its stack and its allocator's memory are not ours.
                let start = page(self.address);
                if !caller.data().blocks.are_mapped(start, pages) || has_region(caller, start, pages) {
                    return Ok(Err(Errno::Inval));
                }
                clear(caller, start, pages)?;
                start
            }
        };
        let address = u32::try_from(u64::from(start) * WASM_PAGE).map_err(Fault::bug)?;
        if let Ok(content) = self.check(caller.data()) {
            copy_out(caller.data(), address, content)?;
        }
        Ok(Ok(address))
    }

    /// What the mapping is to hold before zeros; empty when it is anonymous.
    fn check<'a>(&self, state: &'a State) -> std::result::Result<&'a [u8], Errno> {
        let kind = self.flags & (MAP_SHARED | MAP_PRIVATE);
        let known = MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_HINTS;
        let is_aligned = |number: u64| number.is_multiple_of(WASM_PAGE);
        if self.protection & PROT_EXEC != 0 {
            return Err(Errno::Acces);
        }
        if self.length == 0
            || self.protection & !PROT_READ_WRITE != 0
            || self.flags & !known != 0
            || !matches!(kind, MAP_SHARED | MAP_PRIVATE)
            || (self.flags & MAP_FIXED != 0 && !is_aligned(self.address.into()))
        {
            return Err(Errno::Inval);
        }
        if self.flags & MAP_ANONYMOUS != 0 {
            return Ok(&[]);
        }
        let offset = u64::try_from(self.offset).ok().filter(|offset| is_aligned(*offset)).ok_or(Errno::Inval)?;
        // A mapping is a copy: what is written to it cannot reach the file.
        if kind == MAP_SHARED && self.protection & 2 != 0 {
            return Err(Errno::Notsup);
        }
        state.wasi.file_content(self.fd, offset, self.length as usize)
    }
}

fn unmap(caller: &mut Host<'_>, address: u32, length: u32) -> Outcome<u32> {
    let (start, pages) = (page(address), pages(length));
    let is_ours =
        u64::from(address).is_multiple_of(WASM_PAGE) && length > 0 && caller.data().blocks.are_mapped(start, pages);
    if !is_ours || has_region(caller, start, pages) {
        return Ok(Err(Errno::Inval));
    }
    clear(caller, start, pages)?;
    blocks(caller).release(start, pages);
    Ok(Ok(0))
}

/// Gives back pages that `take_pages` gave; an address that is none of them does nothing.
pub fn release_pages(caller: &mut Host<'_>, address: u32, pages: u32) -> Result<(), Fault> {
    let start = page(address);
    if u64::from(address).is_multiple_of(WASM_PAGE) && caller.data().blocks.are_mapped(start, pages) {
        clear(caller, start, pages)?;
        blocks(caller).release(start, pages);
    }
    Ok(())
}

/// Pages that nobody uses, zero: such that came back, or fresh ones. None when the function's limit is reached.
pub fn take_pages(caller: &mut Host<'_>, pages: u32) -> Result<Option<u32>> {
    if let Some(start) = blocks(caller).reuse(pages) {
        return Ok(Some(start));
    }
    let Some(start) = (match caller.data().allocator.clone() {
        Some(allocator) => allocate(caller, &allocator, pages)?,
        None => grow(caller, pages),
    }) else {
        return Ok(None);
    };
    if !blocks(caller).map(start, pages) {
        return Err(misuse("the guest's allocator gave out memory that it gave out before"));
    }
    Ok(Some(start))
}

/// Places of texts in the page that the host takes for them.
pub const ERROR_AT: u32 = 0;
pub const PASSWD_AT: u32 = 8192;

/// Where a text of the host's own lies; its page is taken from the guest when it is needed first. None without memory.
pub fn host_text(caller: &mut Host<'_>, place: u32) -> Result<Option<u32>> {
    let page = match caller.data().blocks.host_page {
        Some(page) => page,
        None => match take_pages(caller, 1)? {
            Some(page) => *blocks(caller).host_page.insert(page),
            None => return Ok(None),
        },
    };
    Ok(Some((u64::from(page) * WASM_PAGE) as u32 + place))
}

/// From the guest's own allocator: for a language whose run-time library assumes that nobody else grows the memory.
fn allocate(
    caller: &mut Host<'_>,
    allocator: &wasmtime::TypedFunc<(u32, u32), u32>,
    pages: u32,
) -> Result<Option<u32>> {
    let Ok(length) = u32::try_from(u64::from(pages) * WASM_PAGE) else { return Ok(None) };
    // However it ends: by a trap, by the deadline, with the stack used up.
    let address = allocator.call(&mut *caller, (WASM_PAGE as u32, length))?;
    if address == 0 {
        return Ok(None);
    }
    let end = u64::from(address) + u64::from(length);
    let bytes = caller.data().shape.as_ref().map_or(0, |shape| shape.bytes()) as u64;
    if !u64::from(address).is_multiple_of(WASM_PAGE) || end > bytes {
        return Err(misuse("the guest's allocator gave out memory outside of memory"));
    }
    if has_region(caller, page(address), pages) {
        let what = "the guest's allocator gave out memory that a state region is in";
        return Err(Error::new(Fault::new("ERR_GUEST_MISUSE", what)));
    }
    clear(caller, page(address), pages)?;
    Ok(Some(page(address)))
}

fn misuse(what: &str) -> Error {
    Error::new(Fault::new("ERR_GUEST_MISUSE", what))
}

/// The first of so many fresh pages at the end of memory.
fn grow(caller: &mut Host<'_>, pages: u32) -> Option<u32> {
    let memory = caller.data().memory?;
    let before = memory.grow(&mut *caller, pages.into()).ok()?;
    u32::try_from(before).ok()
}

/// State regions stay where they are until the call has ended.
fn has_region(caller: &Host<'_>, start: u32, pages: u32) -> bool {
    let from = u64::from(start) * WASM_PAGE;
    shows_region(caller, from, from + u64::from(pages) * WASM_PAGE)
}

fn shows_region(caller: &Host<'_>, from: u64, to: u64) -> bool {
    // A length that is no address is no region's either.
    let address = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    caller.data().shape.as_ref().is_some_and(|shape| shape.has_shared(address(from), address(to)))
}

fn clear(caller: &Host<'_>, start: u32, pages: u32) -> Result<(), Fault> {
    let from = u64::from(start) * WASM_PAGE;
    clear_bytes(caller, from, from + u64::from(pages) * WASM_PAGE)
}

/// Makes `[from, to)` zero, whatever it is aligned to.
fn clear_bytes(caller: &Host<'_>, from: u64, to: u64) -> Result<(), Fault> {
    let state = caller.data();
    let shape = state.shape.as_ref().ok_or_else(|| Fault::bug("pages without a memory"))?;
    let number = |bytes: u64| usize::try_from(bytes).map_err(Fault::bug);
    shape.clear(number(from)?, number(to)?)
}

/// The break is where the guest left it; at first the end of memory.
fn current_break(caller: &Host<'_>) -> Option<Break> {
    let end = caller.data().shape.as_ref()?.bytes() as u64;
    Some(caller.data().blocks.program_break.unwrap_or(Break { base: end, at: end, end }))
}

/// Moves the break and gives where it was. When somebody else grew the memory meanwhile, it goes on behind that, as a break
/// may: allocators look whether what they got continues what they had.
fn move_break(caller: &mut Host<'_>, increment: i64) -> Outcome<u32> {
    let Some(mut current) = current_break(caller) else { return Ok(Err(Errno::Nomem)) };
    let wanted = current.at.checked_add_signed(increment).filter(|wanted| *wanted >= current.base);
    let Some(wanted) = wanted else { return Ok(Err(Errno::Inval)) };
    let mut before = current.at;
    if wanted < current.at {
        if shows_region(caller, wanted, current.at) {
            return Ok(Err(Errno::Inval));
        }
        clear_bytes(caller, wanted, current.at)?;
    }
    current.at = wanted;
    if wanted > current.end {
        let memory_end = caller.data().shape.as_ref().map_or(0, |shape| shape.bytes()) as u64;
        let is_last = memory_end == current.end;
        let missing = if is_last { wanted - current.end } else { increment.unsigned_abs() };
        let pages = u32::try_from(missing.div_ceil(WASM_PAGE)).map_err(Fault::bug)?;
        let Some(start) = grow(caller, pages) else { return Ok(Err(Errno::Nomem)) };
        let start = u64::from(start) * WASM_PAGE;
        let end = start + u64::from(pages) * WASM_PAGE;
        if !is_last {
            before = start;
            current = Break { base: start, at: start + missing, end };
        }
        current.end = end;
    }
    blocks(caller).program_break = Some(current);
    // The very end of 4 GiB has no address; a break that stands there cannot be told from a failure.
    Ok(u32::try_from(before).map_err(|_| Errno::Nomem))
}

fn set_break(caller: &mut Host<'_>, address: u32) -> Outcome<u32> {
    let Some(current) = current_break(caller) else { return Ok(Err(Errno::Nomem)) };
    // All of it in one piece, or not at all: an address names one place.
    let memory_end = caller.data().shape.as_ref().map_or(0, |shape| shape.bytes()) as u64;
    if u64::from(address) > current.end && memory_end != current.end {
        return Ok(Err(Errno::Nomem));
    }
    let distance = i64::from(address) - current.at.cast_signed();
    Ok(move_break(caller, distance)?.map(|_| 0))
}

fn blocks<'a>(caller: &'a mut Host<'_>) -> &'a mut Blocks {
    std::sync::Arc::make_mut(&mut caller.data_mut().blocks)
}

fn page(address: u32) -> u32 {
    (u64::from(address) / WASM_PAGE) as u32
}

fn pages(length: u32) -> u32 {
    u64::from(length).div_ceil(WASM_PAGE) as u32
}
