//! Reservations of address space: 4 GiB for the memory, a guard behind it, nothing accessible until it is mapped.
//!
//! A reservation is kept after use and given out again, because making and dropping 4 GiB mappings takes the process's
//! memory-map lock for longer than everything else in the start of a Faaslet.

use std::ffi::c_void;
use std::ptr::{NonNull, null_mut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap, mmap_anonymous, mprotect};

use super::image::{Image, PAGE, is_zero};
use crate::fault::Fault;

/// All that a 32-bit index can reach.
pub const SLOT_RESERVATION: usize = 4 << 30;
/// Behind it: static offsets below this need no bounds check in machine code (Wasmtime's default).
pub const SLOT_GUARD: usize = 32 << 20;
/// Reservations kept for reuse; more are returned to the kernel.
const FREE_MAX: usize = 1024;

static FREE: Mutex<Vec<Slot>> = Mutex::new(Vec::new());
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
}

// SAFETY: a slot is the only owner of its range of addresses, which are valid on every thread.
unsafe impl Send for Slot {}
// SAFETY: all methods that change mappings take `&mut self`.
unsafe impl Sync for Slot {}

impl Slot {
    /// A reservation with nothing accessible in it.
    pub fn take() -> Result<Self, Fault> {
        let reused = FREE.lock().map_err(|_| Fault::bug("slot list poisoned"))?.pop();
        let slot = match reused {
            Some(slot) => slot,
            None => Self::reserve()?,
        };
        IN_USE.fetch_add(1, Ordering::Relaxed);
        Ok(slot)
    }

    fn reserve() -> Result<Self, Fault> {
        let length = SLOT_RESERVATION + SLOT_GUARD;
        // SAFETY: a new mapping at an address of the kernel's choice cannot touch what exists.
        let base =
            unsafe { mmap_anonymous(null_mut(), length, ProtFlags::empty(), MapFlags::PRIVATE | MapFlags::NORESERVE) }
                .map_err(|e| Fault::capacity("address space for a linear memory", e))?;
        let base = NonNull::new(base.cast()).ok_or_else(|| Fault::bug("mmap gave a null address"))?;
        Ok(Self { base, accessible: 0 })
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
        let flags = MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE;
        // SAFETY: the range lies in this reservation; replacing it drops only what this slot's owner had there.
        unsafe { mmap_anonymous(self.at(from), to - from, ProtFlags::empty(), flags) }
            .map_err(|e| Fault::capacity("return of a linear memory", e))?;
        self.accessible = from;
        Ok(())
    }

    /// Drops the private pages of `[from, to)`: an image mapped there shows again; without one they are zero.
    pub fn drop_private_pages(&mut self, from: usize, to: usize) -> Result<(), Fault> {
        if from == to {
            return Ok(());
        }
        assert!(from < to && to <= self.accessible);
        // SAFETY: the range is mapped by this slot; guest code does not run while its owner holds `&mut self`.
        unsafe { madvise(self.at(from), to - from, Advice::LinuxDontNeed) }.map_err(Fault::bug)
    }

    /// Makes `[from, to)` zero. Whole pages behind the image are given back, the rest is overwritten.
    pub fn clear(&mut self, image_bytes: usize, from: usize, to: usize) -> Result<(), Fault> {
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
        assert!(from <= to && to <= self.accessible);
        let mut here = from;
        while here < to {
            let next = (here + 1).next_multiple_of(PAGE).min(to);
            // SAFETY: the range is mapped by this slot, readable and writable, and guest code does not run meanwhile.
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
        let clean = self.close(0).is_ok();
        if clean
            && let Ok(mut free) = FREE.lock()
            && free.len() < FREE_MAX
        {
            free.push(Slot { base: self.base, accessible: 0 });
            return;
        }
        // SAFETY: the whole reservation is ours and nobody refers to it any more.
        let _ = unsafe { rustix::mm::munmap(self.at(0), SLOT_RESERVATION + SLOT_GUARD) };
    }
}
