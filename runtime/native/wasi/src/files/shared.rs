//! Files that functions of a tenant share: bytes in a sealed, unnamed file, mapped once and read by everybody.

use std::fs::File;
use std::io::Write;
use std::ptr::{NonNull, null_mut};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Result;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Immutable bytes whose pages processes can share.
#[derive(Debug)]
pub struct SharedBytes {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping is read-only, sealed against every change, and goes with the value.
unsafe impl Send for SharedBytes {}
// SAFETY: as above.
unsafe impl Sync for SharedBytes {}

impl SharedBytes {
    pub fn new(bytes: &[u8]) -> std::io::Result<Self> {
        if bytes.is_empty() {
            return Ok(Self { base: NonNull::dangling(), len: 0 });
        }
        let mut file = File::from(memfd_create(c"faaslet-file", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        file.write_all(bytes)?;
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)?;
        Ok(Self { base: map(&file, bytes.len())?, len: bytes.len() })
    }

    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: the mapping is of `len` bytes, lives as long as `self`, and nothing can change or shrink the file.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.len) }
    }
}

fn map(file: &File, len: usize) -> Result<NonNull<u8>> {
    // SAFETY: a new mapping at an address of the kernel's choice cannot touch what exists.
    let base = unsafe { mmap(null_mut(), len, ProtFlags::READ, MapFlags::SHARED, file, 0) }?;
    NonNull::new(base.cast()).ok_or(rustix::io::Errno::NOMEM)
}

impl Drop for SharedBytes {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: the mapping is this value's own, and no slice of it is left.
            let _ = unsafe { munmap(self.base.as_ptr().cast(), self.len) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_bytes_are_what_they_were_made_of() {
        for length in [0, 1, 4096, 100_000] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            assert_eq!(SharedBytes::new(&bytes).unwrap().as_slice(), bytes);
        }
    }
}
