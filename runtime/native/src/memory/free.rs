//! Reservations that nobody uses at the moment: empty ones, and ones in which an image still lies, as clean as just mapped.
//!
//! To map an image and to touch the first of its pages again costs more than all else in the start of a Faaslet. So a memory
//! that was reset leaves its mapping in place for the next one of the same image.

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard};

use super::image::Image;
use crate::fault::Fault;

/// Reservations kept for reuse; more are returned to the kernel.
const FREE_MAX: usize = 1024;

static FREE: Mutex<Free> = Mutex::new(Free { empty: Vec::new(), mapped: BTreeMap::new(), mapped_count: 0 });

struct Free {
    empty: Vec<Parked>,
    /// By the image's number; the oldest image comes first.
    mapped: BTreeMap<u64, Vec<Parked>>,
    mapped_count: usize,
}

/// A reservation without an owner, and how much of it is accessible.
pub struct Parked {
    pub base: NonNull<u8>,
    pub accessible: usize,
}

// SAFETY: whoever has it is the only one who knows its range of addresses, which is valid on every thread.
unsafe impl Send for Parked {}

/// One with this very image in it.
pub fn take_mapped(image: &Image) -> Result<Option<Parked>, Fault> {
    Ok(lock()?.take_of(image.number()))
}

pub fn take_empty() -> Result<Option<Parked>, Fault> {
    Ok(lock()?.empty.pop())
}

/// Keeps an empty one; gives it back when there are enough.
pub fn keep_empty(parked: Parked) -> Option<Parked> {
    match lock() {
        Ok(mut free) if free.count() < FREE_MAX => {
            free.empty.push(parked);
            None
        }
        _ => Some(parked),
    }
}

/// Keeps one with an image in it; gives back one that is too many, which may be another.
pub fn keep_mapped(image: &Image, parked: Parked) -> Option<Parked> {
    let Ok(mut free) = lock() else { return Some(parked) };
    let surplus = if free.count() < FREE_MAX { None } else { free.take_oldest() };
    if free.count() >= FREE_MAX {
        return Some(parked);
    }
    free.mapped.entry(image.number()).or_default().push(parked);
    free.mapped_count += 1;
    surplus
}

/// All in which this image lies: it is about to go.
pub fn take_all_mapped(image: &Image) -> Vec<Parked> {
    let Ok(mut free) = lock() else { return Vec::new() };
    let all = free.mapped.remove(&image.number()).unwrap_or_default();
    free.mapped_count -= all.len();
    all
}

/// Everything: the process has no room left.
pub fn take_all() -> Vec<Parked> {
    let Ok(mut free) = lock() else { return Vec::new() };
    let mut all = std::mem::take(&mut free.empty);
    all.extend(std::mem::take(&mut free.mapped).into_values().flatten());
    free.mapped_count = 0;
    all
}

impl Free {
    fn count(&self) -> usize {
        self.empty.len() + self.mapped_count
    }

    fn take_oldest(&mut self) -> Option<Parked> {
        let number = *self.mapped.keys().next()?;
        self.take_of(number)
    }

    fn take_of(&mut self, number: u64) -> Option<Parked> {
        let parked = self.mapped.get_mut(&number)?;
        let taken = parked.pop();
        if parked.is_empty() {
            self.mapped.remove(&number);
        }
        self.mapped_count -= usize::from(taken.is_some());
        taken
    }
}

fn lock() -> Result<MutexGuard<'static, Free>, Fault> {
    FREE.lock().map_err(|_| Fault::bug("slot list poisoned"))
}
