//! The bytes of an image, for copying.

use std::fs::File;
use std::ptr::{NonNull, null_mut};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// A read-only mapping of an image's file, which is sealed: it neither changes nor shrinks.
pub struct View {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: nobody writes to it.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}

impl View {
    /// Nothing when there is no room for another mapping.
    pub fn of(file: &File, length: usize) -> Option<Self> {
        if length == 0 {
            return Some(Self { start: NonNull::dangling(), length });
        }
        // SAFETY: a new mapping at an address of the kernel's choice cannot touch what exists; the file cannot shrink.
        let start = unsafe { mmap(null_mut(), length, ProtFlags::READ, MapFlags::SHARED, file, 0) }.ok()?;
        NonNull::new(start.cast()).map(|start| Self { start, length })
    }

    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping is so long and lives as long as this does, and its file never changes.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if self.length > 0 {
            // SAFETY: the mapping is ours, and no slice of it outlives this.
            let _ = unsafe { munmap(self.start.as_ptr().cast(), self.length) };
        }
    }
}
