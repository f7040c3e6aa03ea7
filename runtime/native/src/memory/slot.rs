//! Reservations of address space: 4 GiB for the memory, a guard behind it, nothing accessible until it is mapped.
//!
//! A reservation is kept after use and given out again (`free.rs`), because making and dropping 4 GiB mappings takes the
//! process's memory-map lock for longer than everything else in the start of a Faaslet.
//!
//! Shared pages (state regions) replace private ones until everything is mapped anew. Whoever touches a range by other means
//! than `memory/copy.rs` asks `has_shared` first.

use std::ffi::c_void;
use std::os::fd::BorrowedFd;
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap, mmap_anonymous, mprotect};

use super::free::{self, Parked};
use super::image::{Image, PAGE, is_zero};
use super::private::Runs;
use crate::fault::Fault;

/// All that a 32-bit index can reach.
pub const SLOT_RESERVATION: usize = 4 << 30;
/// Behind it: static offsets below this need no bounds check in machine code (Wasmtime's default).
pub const SLOT_GUARD: usize = 32 << 20;
/// In front of it, never accessible. It keeps a memory's beginning, which every call touches, off the boundary of a page
/// table: Linux 6.14 and later frees a table that a reset empties when the reset covers all that it maps, and the next call
/// would pay for a new one (together 1.1 us of some 4).
const SLOT_PREFIX: usize = 64 << 10;
/// A multiple of what a page table maps (2 MiB), as the kernel wants it to put reservations side by side: their inaccessible
/// ends then are one mapping.
const SLOT_LENGTH: usize = SLOT_RESERVATION + SLOT_GUARD + (2 << 20);
const _: () = assert!(SLOT_LENGTH.is_multiple_of(2 << 20) && SLOT_PREFIX <= 2 << 20);

/// Private pages that a memory may hold when it is cleaned; when there are more all are dropped.
const HELD_PAGES_MAX: usize = 256;

/// From this size on pages are freed before their mapping is replaced. That takes a lock which page faults share; the
/// replacement takes one that holds up the whole process, a quarter of a second for 2 GiB.
const LARGE: usize = 1 << 20;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// Reservations that hold a memory now, in the whole process.
pub fn slots_in_use() -> usize {
    IN_USE.load(Ordering::Relaxed)
}

/// One reservation. All of it is inaccessible except what its owner mapped.
pub struct Slot {
    base: NonNull<u8>,
    /// Bytes from the base beyond which nothing is accessible.
    accessible: usize,
    /// What lies at the base.
    image: Option<Arc<Image>>,
    /// True while the image is all that is accessible, and holds what it held when it was mapped.
    is_clean: bool,
    /// Private pages that hold what the image holds.
    held_pages: usize,
    /// Ranges that show shared files.
    shared: Vec<(usize, usize)>,
}

// SAFETY: a slot is the only owner of its range of addresses, which are valid on every thread.
unsafe impl Send for Slot {}
// SAFETY: all methods that change mappings take `&mut self`.
unsafe impl Sync for Slot {}

impl Slot {
    /// A reservation with nothing accessible in it.
    pub fn take() -> Result<Self, Fault> {
        match free::take_empty()? {
            Some(parked) => Ok(Self::of(parked)),
            None => Self::reserve(),
        }
    }

    /// A reservation with the image at its base, copy-on-write and untouched.
    pub fn take_with(image: &Arc<Image>) -> Result<Self, Fault> {
        let mut slot = match free::take_mapped(image)? {
            Some(parked) => Self::of(parked),
            None => {
                let mut slot = Self::take()?;
                if slot.map_image(image).is_err() {
                    give_back_free();
                    slot.close(0)?;
                    slot.map_image(image)?;
                }
                slot
            }
        };
        slot.image = Some(image.clone());
        slot.is_clean = true;
        Ok(slot)
    }

    /// Something is about to write to it, or to change its mappings.
    pub fn soil(&mut self) {
        self.is_clean = false;
    }

    /// Back to the image; what was opened since is taken away. Gives the image's size.
    ///
    /// With `may_hold` private pages stay, with the image's bytes in them, unless there are too many. To drop a page makes
    /// every processor that runs this process forget it (10 us on a virtual machine), and to touch it again costs a page
    /// fault (2 us); to write it back costs 0.1 us.
    pub fn clean(&mut self, may_hold: bool) -> Result<usize, Fault> {
        let image = self.image.clone();
        let bytes = image.as_ref().map_or(0, |image| image.bytes());
        match image {
            Some(image) if self.has_shared(0, bytes) => {
                // All of it anew: one mapping as at the beginning, and no shared page can be left over.
                self.close(0)?;
                self.map_image(&image)?;
                self.held_pages = 0;
            }
            image => {
                self.close(bytes)?;
                let is_written = may_hold && image.is_some_and(|image| self.write_back(&image));
                if !is_written {
                    self.drop_held_pages()?;
                }
            }
        }
        assert!(self.shared.is_empty(), "a clean memory shows no shared page");
        self.is_clean = true;
        Ok(bytes)
    }

    /// Gives the memory of all private pages back. Nothing else changes if the slot is clean.
    pub fn drop_held_pages(&mut self) -> Result<(), Fault> {
        self.held_pages = 0;
        self.drop_private_pages(0, self.accessible)
    }

    /// Whether there is memory that it could give back and stay clean.
    pub fn holds_pages(&self) -> bool {
        self.held_pages > 0
    }

    /// Writes the image's bytes over all private pages; false when they are too many or unknown.
    fn write_back(&mut self, image: &Image) -> bool {
        assert!(!self.has_shared(0, image.bytes()));
        let Some(runs) = Runs::find(self.base, image.bytes(), HELD_PAGES_MAX) else { return false };
        let Some(view) = image.view() else { return false };
        for (start, end) in runs.ranges() {
            // SAFETY: the run lies in the image's range of this reservation, which is readable, writable and private; guest
            // code does not run meanwhile.
            let pages = unsafe { std::slice::from_raw_parts_mut(self.at(start).cast::<u8>(), end - start) };
            let from_image = view.get(start..end.min(view.len())).unwrap_or_default();
            let (image_part, zero_part) = pages.split_at_mut(from_image.len());
            image_part.copy_from_slice(from_image);
            zero_part.fill(0);
        }
        self.held_pages = runs.pages();
        true
    }

    /// Takes the image out of all free reservations in which it lies.
    pub fn forget(image: &Image) {
        free::take_all_mapped(image).into_iter().map(Self::of).for_each(drop);
    }

    fn of(parked: Parked) -> Self {
        IN_USE.fetch_add(1, Ordering::Relaxed);
        let Parked { base, accessible } = parked;
        Self { base, accessible, image: None, is_clean: false, held_pages: 0, shared: Vec::new() }
    }

    fn reserve() -> Result<Self, Fault> {
        let reserved = map_reservation().or_else(|_| {
            give_back_free();
            map_reservation()
        });
        let base = reserved.map_err(|e| Fault::capacity("address space for a linear memory", e))?;
        let base = NonNull::new(base).ok_or_else(|| Fault::bug("mmap gave a null address"))?;
        Ok(Self::of(Parked { base, accessible: 0 }))
    }

    fn parked(&self) -> Parked {
        Parked { base: self.base, accessible: self.accessible }
    }

    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    fn at(&self, offset: usize) -> *mut c_void {
        // SAFETY: offset is at most the reservation's length (checked by the callers), so this stays in our range.
        unsafe { self.base.as_ptr().add(offset).cast() }
    }

    /// Maps the image copy-on-write at the base; nothing may be accessible yet.
    pub fn map_image(&mut self, image: &Image) -> Result<(), Fault> {
        let (mapped, bytes) = (image.mapped_bytes(), image.bytes());
        assert!(self.accessible == 0 && mapped <= bytes && bytes <= SLOT_RESERVATION);
        if mapped > 0 {
            self.accessible = mapped;
            let flags = MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE;
            // SAFETY: the range lies in this reservation, which nobody else uses; the file is sealed against shrinking, so
            // no access to it can raise SIGBUS.
            unsafe { mmap(self.at(0), mapped, ProtFlags::READ | ProtFlags::WRITE, flags, image.file(), 0) }
                .map_err(|e| Fault::capacity("mapping of a snapshot", e))?;
        }
        if mapped < bytes { self.open(mapped, bytes) } else { Ok(()) }
    }

    /// Makes `[from, to)` accessible, zero. `from` is where the accessible part ends.
    pub fn open(&mut self, from: usize, to: usize) -> Result<(), Fault> {
        assert!(from == self.accessible && from <= to && to <= SLOT_RESERVATION);
        // Before the attempt: one that fails half-way has made a part accessible, which has to be taken away again.
        self.accessible = to;
        // SAFETY: the range lies in this reservation; its pages were never written since they were last unmapped.
        let opened = unsafe { mprotect(self.at(from), to - from, MprotectFlags::READ | MprotectFlags::WRITE) };
        opened.map_err(|e| {
            let _ = self.close(from);
            Fault::capacity("growth of a linear memory", e)
        })
    }

    /// Takes everything from `from` on away: its pages are freed, an access faults.
    pub fn close(&mut self, from: usize) -> Result<(), Fault> {
        let to = self.accessible;
        assert!(from <= to);
        if from == to {
            return Ok(());
        }
        if to - from >= LARGE {
            // SAFETY: the range is mapped by this slot, whose owner gives it up.
            let _ = unsafe { madvise(self.at(from), to - from, Advice::LinuxDontNeed) };
        }
        let flags = MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE;
        // SAFETY: the range lies in this reservation; replacing it drops only what this slot's owner had there.
        unsafe { mmap_anonymous(self.at(from), to - from, ProtFlags::empty(), flags) }
            .map_err(|e| Fault::capacity("return of a linear memory", e))?;
        self.accessible = from;
        self.shared.retain(|(start, _)| *start < from);
        Ok(())
    }

    /// Shows `length` bytes of a file from `offset` on at `at`, writable and shared with whoever else maps them, in place of
    /// the private pages there. Only accessible pages without other shared ones may be replaced: then nothing outside of the
    /// memory can be reached through them, and `close` takes them away.
    ///
    /// # Safety
    /// The file is at least as long as what is mapped and can never shrink (else an access raises SIGBUS), and no host code
    /// accesses the range other than by `memory/copy.rs` as long as it is mapped.
    pub unsafe fn map_shared(
        &mut self,
        at: usize,
        length: usize,
        file: BorrowedFd<'_>,
        offset: u64,
    ) -> Result<(), Fault> {
        let fits = at.checked_add(length).is_some_and(|end| end <= self.accessible);
        if !fits || length == 0 || !(at | length).is_multiple_of(PAGE) || self.has_shared(at, at + length) {
            return Err(Fault::bug("a shared mapping outside of the memory or over another one"));
        }
        self.soil();
        self.shared.try_reserve(1).map_err(|e| Fault::capacity("a shared mapping", e))?;
        // Before the attempt: one that fails half-way may have taken private pages away.
        self.shared.push((at, at + length));
        let flags = MapFlags::SHARED | MapFlags::FIXED | MapFlags::NORESERVE;
        // SAFETY: the range lies in this reservation and was accessible already, so that an access stays as valid as it was;
        // the caller vouches for the file. What private pages there held is in the way of nobody: no host code refers to it.
        unsafe { mmap(self.at(at), length, ProtFlags::READ | ProtFlags::WRITE, flags, file, offset) }
            .map(drop)
            .map_err(|e| Fault::capacity("a mapping of a state region", e))
    }

    /// Whether some of `[from, to)` shows a shared file.
    pub fn has_shared(&self, from: usize, to: usize) -> bool {
        self.shared.iter().any(|(start, end)| *start < to && from < *end)
    }

    /// Drops the private pages of `[from, to)`: an image mapped there shows again; without one they are zero.
    pub fn drop_private_pages(&mut self, from: usize, to: usize) -> Result<(), Fault> {
        if from == to {
            return Ok(());
        }
        assert!(from < to && to <= self.accessible && !self.has_shared(from, to));
        // SAFETY: the range is mapped by this slot; guest code does not run while its owner holds `&mut self`.
        unsafe { madvise(self.at(from), to - from, Advice::LinuxDontNeed) }.map_err(Fault::bug)
    }

    /// Makes `[from, to)` zero. Whole pages behind the image are given back, the rest is overwritten.
    pub fn clear(&mut self, from: usize, to: usize) -> Result<(), Fault> {
        let image_bytes = self.image.as_ref().map_or(0, |image| image.mapped_bytes());
        let first = from.max(image_bytes).next_multiple_of(PAGE);
        let last = to / PAGE * PAGE;
        if first >= last {
            self.overwrite(from, to);
            return Ok(());
        }
        self.overwrite(from, first);
        self.overwrite(last, to);
        self.drop_private_pages(first, last)
    }

    /// Zeros where there are none yet: a page that is zero in the image stays shared with it.
    fn overwrite(&mut self, from: usize, to: usize) {
        assert!(from <= to && to <= self.accessible && !self.has_shared(from, to));
        let mut here = from;
        while here < to {
            let next = (here + 1).next_multiple_of(PAGE).min(to);
            // SAFETY: the range is mapped by this slot, readable, writable and private, and guest code does not run meanwhile.
            let part = unsafe { std::slice::from_raw_parts_mut(self.at(here).cast::<u8>(), next - here) };
            if !is_zero(part) {
                part.fill(0);
            }
            here = next;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        IN_USE.fetch_sub(1, Ordering::Relaxed);
        let surplus = match self.image.take() {
            // A free slot holds nothing but its mapping.
            Some(image) if self.is_clean && (!self.holds_pages() || self.drop_held_pages().is_ok()) => {
                free::keep_mapped(&image, self.parked())
            }
            _ if self.close(0).is_ok() => free::keep_empty(self.parked()),
            _ => Some(self.parked()),
        };
        if let Some(parked) = surplus {
            unmap(parked);
        }
    }
}

/// A new reservation's base.
fn map_reservation() -> rustix::io::Result<*mut u8> {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: a new mapping at an address of the kernel's choice cannot touch what exists.
    let start = unsafe { mmap_anonymous(null_mut(), SLOT_LENGTH, ProtFlags::empty(), flags) }?;
    // SAFETY: the prefix is a part of the mapping.
    Ok(unsafe { start.cast::<u8>().add(SLOT_PREFIX) })
}

fn unmap(parked: Parked) {
    // SAFETY: this is where the mapping began.
    let start = unsafe { parked.base.as_ptr().sub(SLOT_PREFIX) };
    // SAFETY: the whole reservation is ours and nobody refers to it any more.
    let _ = unsafe { rustix::mm::munmap(start.cast(), SLOT_LENGTH) };
}

/// Makes room in the process: a mapping that nobody uses must not be what a Faaslet is refused for.
fn give_back_free() {
    free::take_all().into_iter().for_each(unmap);
}
