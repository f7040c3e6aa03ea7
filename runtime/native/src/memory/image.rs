//! An image of a linear memory in a sealed, unnamed file: what a Faaslet's memory starts from and is reset to.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

use crate::fault::Fault;

/// The machine's page, in bytes.
pub const PAGE: usize = 4096;

/// Immutable once made; shared by all Faaslets that start from it. Zero pages take no room in it.
pub struct Image {
    file: File,
    bytes: usize,
    kept: usize,
}

impl Image {
    /// An image of `bytes` bytes, a whole number of pages, filled by `pieces` in their order (later ones win).
    pub fn from_pieces<'a>(bytes: usize, pieces: impl Iterator<Item = (usize, &'a [u8])>) -> Result<Self, Fault> {
        let file = Self::create(bytes)?;
        let mut kept = 0;
        for (offset, piece) in pieces {
            if offset.checked_add(piece.len()).is_none_or(|end| end > bytes) {
                return Err(Fault::new("ERR_ARTEFACT", "a data segment lies outside the memory"));
            }
            file.write_all_at(piece, offset as u64).map_err(|e| Fault::capacity("a memory image", e))?;
            kept += piece.len();
        }
        Self::seal(file, bytes, kept)
    }

    /// An image of a live memory. Only pages that hold something are written.
    ///
    /// # Safety
    /// `base` is readable for `bytes` bytes, and no guest code runs on it meanwhile.
    pub unsafe fn of_memory(base: *const u8, bytes: usize) -> Result<Self, Fault> {
        let file = Self::create(bytes)?;
        let mut kept = 0;
        let mut run: Option<usize> = None;
        for offset in (0..=bytes).step_by(PAGE) {
            // SAFETY: the page at `offset` lies below `bytes`, which the caller vouches for.
            let holds = offset < bytes && !is_zero(unsafe { std::slice::from_raw_parts(base.add(offset), PAGE) });
            match (run, holds) {
                (None, true) => run = Some(offset),
                (Some(start), false) => {
                    // SAFETY: as above, for the run `[start, offset)`.
                    let piece = unsafe { std::slice::from_raw_parts(base.add(start), offset - start) };
                    file.write_all_at(piece, start as u64).map_err(|e| Fault::capacity("a snapshot", e))?;
                    kept += piece.len();
                    run = None;
                }
                _ => {}
            }
        }
        Self::seal(file, bytes, kept)
    }

    fn create(bytes: usize) -> Result<File, Fault> {
        if !bytes.is_multiple_of(PAGE) {
            return Err(Fault::bug("an image is whole pages"));
        }
        let fd: OwnedFd = memfd_create(c"faaslet-image", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
            .map_err(|e| Fault::capacity("a memory image", e))?;
        ftruncate(&fd, bytes as u64).map_err(|e| Fault::capacity("a memory image", e))?;
        Ok(File::from(fd))
    }

    /// Sealed for good: a shrunk file would raise SIGBUS in guests, a changed one would change them.
    fn seal(file: File, bytes: usize, kept: usize) -> Result<Self, Fault> {
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
        fcntl_add_seals(&file, seals).map_err(Fault::bug)?;
        Ok(Self { file, bytes, kept })
    }

    /// Size of the memory that it is an image of.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of it that were written: the rest is zero and takes no room.
    pub fn kept_bytes(&self) -> usize {
        self.kept
    }

    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn is_zero(page: &[u8]) -> bool {
    // Chunks of 64 bytes let the compiler use wide loads and still stop early.
    page.chunks(64).all(|chunk| chunk.iter().fold(0, |any, byte| any | byte) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_keeps_only_pages_that_hold_something() -> Result<(), Fault> {
        let mut memory = vec![0u8; 16 * PAGE];
        memory[5 * PAGE + 7] = 1;
        memory[6 * PAGE] = 2;
        memory[15 * PAGE + 4095] = 3;
        // SAFETY: the vector outlives the call and nobody else uses it.
        let image = unsafe { Image::of_memory(memory.as_ptr(), memory.len()) }?;
        assert_eq!(image.kept_bytes(), 3 * PAGE);
        let mut back = vec![0u8; memory.len()];
        image.file.read_exact_at(&mut back, 0).map_err(Fault::bug)?;
        assert_eq!(back, memory);
        Ok(())
    }

    #[test]
    fn an_image_cannot_be_changed_or_shrunk() -> Result<(), Fault> {
        let image = Image::from_pieces(2 * PAGE, [(10, &b"abc"[..])].into_iter())?;
        assert!(image.file.write_all_at(b"x", 0).is_err());
        assert!(ftruncate(&image.file, 0).is_err());
        Ok(())
    }

    #[test]
    fn a_piece_outside_the_memory_is_refused() {
        let refused = Image::from_pieces(PAGE, [(PAGE - 1, &b"ab"[..])].into_iter());
        assert_eq!(refused.err().map(|fault| fault.code), Some("ERR_ARTEFACT"));
    }
}
