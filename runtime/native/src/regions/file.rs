//! The memory of a region: a file without a name that only grows. Guests have it mapped and write to it whenever they like, so
//! host code moves bytes with system calls, which copy, or word by word and atomically; it never refers to them.

use std::ffi::c_void;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::CHUNK;
use crate::fault::Fault;

static ZEROS: [u8; CHUNK as usize] = [0; CHUNK as usize];

/// A sealed file: an access to what is mapped of it can never raise SIGBUS, since it cannot shrink.
pub struct RegionFile {
    file: File,
    /// Its length: whole chunks. Changed under the region's lock only.
    length: AtomicU64,
}

impl RegionFile {
    pub fn create() -> Result<Self, Fault> {
        let file = memfd_create(c"faaslet-region", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
            .map_err(|e| Fault::capacity("a state region", e))?;
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::SEAL).map_err(Fault::bug)?;
        Ok(Self { file: File::from(file), length: AtomicU64::new(0) })
    }

    /// Makes the file hold at least `bytes`; what is new is zero and takes no memory.
    pub fn grow(&self, bytes: u64) -> Result<(), Fault> {
        let length = bytes.next_multiple_of(CHUNK);
        if length > self.length.load(Relaxed) {
            ftruncate(&self.file, length).map_err(|e| Fault::capacity("a state region", e))?;
            self.length.store(length, Relaxed);
        }
        Ok(())
    }

    pub fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        self.file.read_exact_at(bytes, offset).map_err(Fault::bug)
    }

    pub fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.grow(offset + bytes.len() as u64)?;
        self.file.write_all_at(bytes, offset).map_err(|e| Fault::capacity("memory for a state region", e))
    }

    /// Makes `[from, to)` zero; whole pages of it take no memory any more. What lies behind the end is zero anyway.
    pub fn clear(&self, from: u64, to: u64) -> Result<(), Fault> {
        let to = to.min(self.length.load(Relaxed));
        if from >= to {
            return Ok(());
        }
        let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        fallocate(&self.file, how, from, to - from).map_err(Fault::bug)
    }

    /// As `clear`, but pages keep their memory: for such that guests have mapped.
    pub fn overwrite(&self, from: u64, to: u64) -> Result<(), Fault> {
        let to = to.min(self.length.load(Relaxed));
        let mut at = from;
        while at < to {
            let length = (to - at).min(CHUNK);
            self.write(at, &ZEROS[..length as usize])?;
            at += length;
        }
        Ok(())
    }

    /// Gives every page of `[from, to)` memory, so that a guest that touches one never finds that there is none left: the
    /// kernel would say so with SIGBUS.
    pub fn back(&self, from: u64, to: u64) -> Result<(), Fault> {
        self.grow(to)?;
        fallocate(&self.file, FallocateFlags::KEEP_SIZE, from, to - from)
            .map_err(|e| Fault::capacity("memory for a state region", e))
    }

    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Takes `theirs` in place of `base`, except for bytes that are no longer `base`'s: somebody here wrote those. Words that a
    /// guest writes meanwhile are looked at again, so that nothing it wrote is lost. All three are the chunk's at `offset`;
    /// what is shorter than the chunk goes on with zeros.
    pub fn merge(&self, offset: u64, base: &[u8], theirs: &[u8]) -> Result<(), Fault> {
        let length = base.len().max(theirs.len());
        self.grow(offset + length as u64)?;
        let window = Window::of(self, offset)?;
        for at in (0..length).step_by(size_of::<u64>()) {
            let (base, theirs) = (word(base, at), word(theirs, at));
            if base == theirs {
                continue;
            }
            // SAFETY: `at` is a multiple of 8 below the window's length, whose start is page-aligned: an aligned word inside
            // of it. Everybody else accesses it atomically, from guest code or through the kernel.
            let shared = unsafe { AtomicU64::from_ptr(window.0.cast::<u8>().add(at).cast::<u64>()) };
            let _ = shared.fetch_update(Relaxed, Relaxed, |ours| Some(merged(ours, base, theirs)));
        }
        Ok(())
    }

    /// Replaces bytes by zero and gives what they were, so that none that is set meanwhile is lost.
    pub fn swap_out(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        self.grow(offset + bytes.len() as u64)?;
        let window = Window::of(self, offset)?;
        for (number, piece) in bytes.chunks_mut(size_of::<u64>()).enumerate() {
            // SAFETY: as in `merge`. The last word may reach behind the value's end, where bytes have no meaning.
            let shared = unsafe { AtomicU64::from_ptr(window.0.cast::<u64>().add(number)) };
            piece.copy_from_slice(&shared.swap(0, Relaxed).to_ne_bytes()[..piece.len()]);
        }
        Ok(())
    }
}

/// One chunk of a region, mapped for the host for a moment.
struct Window(*mut c_void);

impl Window {
    fn of(file: &RegionFile, offset: u64) -> Result<Self, Fault> {
        let flags = MapFlags::SHARED | MapFlags::NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists; the file is at least that
        // long (its length is whole chunks) and cannot shrink.
        unsafe { mmap(null_mut(), CHUNK as usize, ProtFlags::READ | ProtFlags::WRITE, flags, &file.file, offset) }
            .map(Self)
            .map_err(|e| Fault::capacity("a mapping of a state region", e))
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: it is our own mapping, and nothing refers to it any more.
        let _ = unsafe { munmap(self.0, CHUNK as usize) };
    }
}

/// Eight bytes at `at`; zeros behind the end.
fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; size_of::<u64>()];
    let rest = bytes.get(at..).unwrap_or_default();
    let length = rest.len().min(word.len());
    word[..length].copy_from_slice(&rest[..length]);
    u64::from_ne_bytes(word)
}

/// Byte by byte: ours where it is not the base's any more, else theirs.
fn merged(ours: u64, base: u64, theirs: u64) -> u64 {
    let (ours, base, theirs) = (ours.to_ne_bytes(), base.to_ne_bytes(), theirs.to_ne_bytes());
    let mut word = [0; size_of::<u64>()];
    for at in 0..word.len() {
        word[at] = if ours[at] == base[at] { theirs[at] } else { ours[at] };
    }
    u64::from_ne_bytes(word)
}
