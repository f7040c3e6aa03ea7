//! An image of a linear memory in a sealed, unnamed file: what a Faaslet's memory starts from and is reset to.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

use super::slot::Slot;
use super::view::View;
use super::written::Written;
use crate::fault::Fault;

/// The machine's page, in bytes.
pub const PAGE: usize = 4096;
/// Zeros behind the last byte that is none, from which on they are left out of the file. A page of a hole in the file that a
/// guest touches comes to be in the file first and, when it is written, beside it as well: twice the memory, and the half in
/// the file for as long as the function lives. Plain memory has no such cost, but it is one more mapping for each Faaslet.
const TAIL_MIN: usize = 1 << 20;

/// The number of the newest image.
static LAST: AtomicU64 = AtomicU64::new(0);

/// Immutable once made; shared by all Faaslets that start from it. Zero pages take no room in it.
pub struct Image {
    /// Of this process, never used again: what tells images apart after they are gone.
    number: u64,
    file: File,
    bytes: usize,
    mapped: usize,
    kept: usize,
    view: OnceLock<Option<View>>,
}

impl Image {
    /// An image of `bytes` bytes, a whole number of pages, filled by `pieces` in their order (later ones win).
    pub fn from_pieces<'a>(bytes: usize, pieces: impl Iterator<Item = (usize, &'a [u8])>) -> Result<Self, Fault> {
        let file = Self::create(bytes)?;
        let (mut kept, mut last) = (0, 0);
        for (offset, piece) in pieces {
            let end = offset.checked_add(piece.len()).filter(|end| *end <= bytes);
            let end = end.ok_or_else(|| Fault::new("ERR_ARTEFACT", "a data segment lies outside the memory"))?;
            file.write_all_at(piece, offset as u64).map_err(|e| Fault::capacity("a memory image", e))?;
            kept += piece.len();
            last = last.max(if piece.is_empty() { 0 } else { end });
        }
        Self::seal(file, bytes, last, kept)
    }

    /// An image of a live memory that started as the image `before`. Only pages that hold something are written, and only
    /// those that may are looked at: a look at a page that was never touched would allocate it.
    ///
    /// # Safety
    /// `base` is readable for `bytes` bytes, and no guest code runs on it meanwhile.
    pub unsafe fn of_memory(base: *const u8, bytes: usize, before: &Self) -> Result<Self, Fault> {
        let file = Self::create(bytes)?;
        let (mut kept, mut last) = (0, 0);
        let mut run: Option<usize> = None;
        let mut written = Written::of(base, bytes, before);
        for offset in (0..=bytes).step_by(PAGE) {
            let may_hold = offset < bytes && written.may_hold(offset);
            // SAFETY: the page at `offset` lies below `bytes`, which the caller vouches for.
            let holds = may_hold && !is_zero(unsafe { std::slice::from_raw_parts(base.add(offset), PAGE) });
            match (run, holds) {
                (None, true) => run = Some(offset),
                (Some(start), false) => {
                    // SAFETY: as above, for the run `[start, offset)`.
                    let piece = unsafe { std::slice::from_raw_parts(base.add(start), offset - start) };
                    file.write_all_at(piece, start as u64).map_err(|e| Fault::capacity("a snapshot", e))?;
                    kept += piece.len();
                    (run, last) = (None, offset);
                }
                _ => {}
            }
        }
        Self::seal(file, bytes, last, kept)
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

    /// Sealed for good: a shrunk file would raise SIGBUS in guests, a changed one would change them. All is zero from `last`
    /// on.
    fn seal(file: File, bytes: usize, last: usize, kept: usize) -> Result<Self, Fault> {
        let last = last.next_multiple_of(PAGE);
        let mapped = if last == 0 || bytes - last >= TAIL_MIN { last } else { bytes };
        ftruncate(&file, mapped as u64).map_err(Fault::bug)?;
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
        fcntl_add_seals(&file, seals).map_err(Fault::bug)?;
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Self { number, file, bytes, mapped, kept, view: OnceLock::new() })
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    /// Size of the memory that it is an image of.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes from the beginning that are in the file. What follows, up to `bytes`, is zero.
    pub fn mapped_bytes(&self) -> usize {
        self.mapped
    }

    /// Bytes of it that were written: the rest is zero and takes no room.
    pub fn kept_bytes(&self) -> usize {
        self.kept
    }

    /// The bytes of the file; one mapping for all Faaslets, made when first asked for. Nothing when there is no room for it.
    pub fn view(&self) -> Option<&[u8]> {
        self.view.get_or_init(|| View::of(&self.file, self.mapped)).as_ref().map(View::bytes)
    }

    /// Bytes of the file from an offset on; beyond its end all is zero.
    pub(super) fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Fault> {
        let in_file = self.mapped.saturating_sub(offset).min(into.len());
        let (file_part, zero_part) = into.split_at_mut(in_file);
        zero_part.fill(0);
        self.file.read_exact_at(file_part, offset as u64).map_err(Fault::bug)
    }

    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// A mapping would keep the file's pages in memory for as long as it lies in a free slot.
impl Drop for Image {
    fn drop(&mut self) {
        Slot::forget(self);
    }
}

/// True when a page holds nothing.
pub(super) fn is_zero(page: &[u8]) -> bool {
    // Chunks of 64 bytes let the compiler use wide loads and still stop early.
    page.chunks(64).all(|chunk| chunk.iter().fold(0, |any, byte| any | byte) == 0)
}
