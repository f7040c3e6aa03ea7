//! The linear memory that Wasmtime uses: ours, so that it can start as an image and be reset to it.

use std::cell::RefCell;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

use super::image::Image;
use super::slot::{SLOT_GUARD, SLOT_RESERVATION, Slot};
use crate::fault::Fault;

/// Where a Faaslet's memory is and how long; shared by Wasmtime's side of it and by host functions.
pub struct Shape {
    base: NonNull<u8>,
    bytes: AtomicUsize,
    slot: Mutex<Slot>,
}

// SAFETY: the base never changes while the shape lives and the slot is behind a lock; whoever dereferences the base
// copies, under the rules of `Faaslet`.
unsafe impl Send for Shape {}
// SAFETY: as above.
unsafe impl Sync for Shape {}

impl Shape {
    pub(super) fn of(image: &Arc<Image>) -> Result<Arc<Self>, Fault> {
        let slot = Slot::take_with(image)?;
        Ok(Arc::new(Self { base: slot.base(), bytes: AtomicUsize::new(image.bytes()), slot: slot.into() }))
    }

    /// Guest code is about to run on it: from now on until a reset nobody else may have it as it is.
    pub fn soil(&self) -> Result<(), Fault> {
        self.slot()?.soil();
        Ok(())
    }

    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Length now; only the Faaslet's own thread changes it.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn grow_to(&self, bytes: usize) -> Result<(), Fault> {
        let mut slot = self.slot()?;
        // Left over when a growth failed half-way and could not be undone at once.
        slot.close(self.bytes())?;
        slot.open(self.bytes(), bytes)?;
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Makes `[from, to)` zero. What lies above the image costs nothing afterwards.
    pub fn clear(&self, from: usize, to: usize) -> Result<(), Fault> {
        assert!(from <= to && to <= self.bytes());
        self.slot()?.clear(from, to)
    }

    /// Back to the image, what had grown taken away; see `Slot::clean`. True when the length changed, in which case Wasmtime
    /// has to read it again (`Memory::grow` by 0).
    pub fn reset(&self, may_hold: bool) -> Result<bool, Fault> {
        let bytes = self.slot()?.clean(may_hold)?;
        Ok(self.bytes.swap(bytes, Ordering::Relaxed) != bytes)
    }

    pub fn holds_pages(&self) -> bool {
        self.slot().is_ok_and(|slot| slot.holds_pages())
    }

    /// Gives back what a reset left; true when there was something.
    pub fn cool(&self) -> Result<bool, Fault> {
        let mut slot = self.slot()?;
        let has_pages = slot.holds_pages();
        if has_pages {
            slot.drop_held_pages()?;
        }
        Ok(has_pages)
    }

    /// Shows `length` bytes of a file from `offset` on at `at`, shared with others, until the next reset.
    ///
    /// # Safety
    /// As for `Slot::map_shared`.
    pub unsafe fn map_shared(&self, at: usize, length: usize, file: BorrowedFd<'_>, offset: u64) -> Result<(), Fault> {
        if at.checked_add(length).is_none_or(|end| end > self.bytes()) {
            return Err(Fault::bug("a shared mapping outside of the memory"));
        }
        // SAFETY: the caller keeps the same promises.
        unsafe { self.slot()?.map_shared(at, length, file, offset) }
    }

    /// Whether some of `[from, to)` shows a shared file; then it is neither cleared nor given out.
    pub fn has_shared(&self, from: usize, to: usize) -> bool {
        self.slot().is_ok_and(|slot| slot.has_shared(from, to))
    }

    fn slot(&self) -> Result<MutexGuard<'_, Slot>, Fault> {
        self.slot.lock().map_err(|_| Fault::bug("memory poisoned"))
    }
}

struct Memory(Arc<Shape>);

// SAFETY: the base never moves, `[0, byte_size)` is accessible, the rest of the reservation and the guard are not.
unsafe impl LinearMemory for Memory {
    fn byte_size(&self) -> usize {
        self.0.bytes()
    }

    fn byte_capacity(&self) -> usize {
        SLOT_RESERVATION
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        self.0.grow_to(new_size).map_err(wasmtime::Error::new)
    }

    fn as_ptr(&self) -> *mut u8 {
        self.0.base.as_ptr()
    }
}

thread_local! {
    /// The creator is not told for which Faaslet it makes a memory: this is how it knows.
    static NEXT: RefCell<Option<Next>> = const { RefCell::new(None) };
}

struct Next {
    image: Arc<Image>,
    made: Option<Result<Arc<Shape>, Fault>>,
}

/// Runs `instantiate`; the memory that Wasmtime asks for meanwhile starts as `image`. Also gives that memory's shape, or
/// why there is none; nothing for a module without memory.
pub fn create_with<R>(image: &Arc<Image>, instantiate: impl FnOnce() -> R) -> (R, Option<Result<Arc<Shape>, Fault>>) {
    NEXT.with_borrow_mut(|next| *next = Some(Next { image: image.clone(), made: None }));
    let result = instantiate();
    let made = NEXT.with_borrow_mut(|next| next.take().and_then(|n| n.made));
    (result, made)
}

/// Makes Faaslets' memories; there is one for the engine.
pub struct Creator;

// SAFETY: `Memory` keeps the promises of `LinearMemory`; reservation and guard are as large as asked for.
unsafe impl MemoryCreator for Creator {
    fn new_memory(
        &self,
        _type: MemoryType,
        minimum: usize,
        _maximum: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        if reserved.is_some_and(|bytes| bytes > SLOT_RESERVATION) || guard > SLOT_GUARD {
            return Err(Fault::bug("the engine wants a larger reservation than a slot").to_string());
        }
        NEXT.with_borrow_mut(|next| {
            let next = next.as_mut().filter(|n| n.made.is_none());
            let next = next.ok_or_else(|| Fault::bug("a memory that nobody announced").to_string())?;
            if next.image.bytes() < minimum {
                return Err(Fault::bug("an image below the module's minimum").to_string());
            }
            let shape = next.made.insert(Shape::of(&next.image));
            match shape {
                Ok(shape) => Ok(Box::new(Memory(shape.clone())) as Box<dyn LinearMemory>),
                Err(fault) => Err(fault.to_string()),
            }
        })
    }
}
