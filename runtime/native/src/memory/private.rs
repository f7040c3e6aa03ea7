//! Which pages of a memory a guest has written to: those that are no longer the image's.
//!
//! Linux 6.7 and later lists them. Without that list every page has to be dropped, whether it was touched or not.

use std::ffi::c_void;
use std::fs::File;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::{Errno, Result};
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};

use super::image::PAGE;

/// Runs of pages that one look finds; a guest that made more has scattered its writes.
const RUNS_MAX: usize = 32;
/// Not to be asked again: the kernel is older, or this process may not.
static IS_REFUSED: AtomicBool = AtomicBool::new(false);

/// A run of private pages, as the kernel writes it (`struct page_region`).
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Run {
    start: u64,
    end: u64,
    kinds: u64,
}

/// The runs that were found.
pub struct Runs {
    base: usize,
    runs: [Run; RUNS_MAX],
    count: usize,
}

impl Runs {
    /// The private pages of `[base, base + bytes)`; nothing when there are more than `pages_max`, or when they cannot be found.
    pub fn find(base: NonNull<u8>, bytes: usize, pages_max: usize) -> Option<Self> {
        if IS_REFUSED.load(Ordering::Relaxed) {
            return None;
        }
        let base = base.as_ptr().addr();
        let mut found = Self { base, runs: [Run::default(); RUNS_MAX], count: 0 };
        let end = (base + bytes) as u64;
        let question = Scan {
            size: size_of::<Scan>() as u64,
            flags: 0,
            start: base as u64,
            end,
            walk_end: 0,
            runs: found.runs.as_mut_ptr().expose_provenance() as u64,
            runs_max: RUNS_MAX as u64,
            // One more than is wanted tells "more" from "as many".
            pages_max: pages_max as u64 + 1,
            inverted: FILE | ZERO_PAGE,
            all_of: FILE | ZERO_PAGE,
            any_of: PRESENT | SWAPPED,
            wanted: 0,
        };
        match scan(question) {
            Ok((count, walked_to)) if walked_to == end => found.count = count.min(RUNS_MAX),
            Ok(_) => return None,
            Err(Errno::INTR | Errno::AGAIN | Errno::NOMEM) => return None,
            Err(_) => {
                IS_REFUSED.store(true, Ordering::Relaxed);
                return None;
            }
        }
        (found.pages() <= pages_max).then_some(found)
    }

    pub fn pages(&self) -> usize {
        self.ranges().map(|(start, end)| (end - start) / PAGE).sum()
    }

    /// As offsets from the base: start and end.
    pub fn ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        self.runs.iter().take(self.count).map(|run| (run.start as usize - self.base, run.end as usize - self.base))
    }
}

/// Kinds of pages (linux/fs.h).
const FILE: u64 = 1 << 2;
const PRESENT: u64 = 1 << 3;
const SWAPPED: u64 = 1 << 4;
const ZERO_PAGE: u64 = 1 << 5;

/// `struct pm_scan_arg`.
#[repr(C)]
struct Scan {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    /// Where it stopped.
    walk_end: u64,
    runs: u64,
    runs_max: u64,
    pages_max: u64,
    inverted: u64,
    all_of: u64,
    any_of: u64,
    wanted: u64,
}

/// How many runs there are, and where the walk ended.
fn scan(question: Scan) -> Result<(usize, u64)> {
    static PAGEMAP: OnceLock<Result<File>> = OnceLock::new();
    let opened = PAGEMAP.get_or_init(|| {
        File::open("/proc/self/pagemap").map_err(|e| e.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))
    });
    let pagemap = opened.as_ref().map_err(|errno| *errno)?;
    // SAFETY: the question is what this request takes, and its runs have room for as many as it says.
    unsafe { ioctl(pagemap, question) }
}

// SAFETY: the kernel writes to `walk_end`, and to the runs that the question refers to.
unsafe impl Ioctl for Scan {
    type Output = (usize, u64);

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        opcode::read_write::<Self>(b'f', 16)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        std::ptr::from_mut(self).cast()
    }

    unsafe fn output_from_ptr(output: IoctlOutput, question: *mut c_void) -> Result<Self::Output> {
        // SAFETY: this is the pointer of `as_ptr`.
        let walk_end = unsafe { (*question.cast::<Self>()).walk_end };
        Ok((usize::try_from(output).map_err(|_| Errno::IO)?, walk_end))
    }
}
