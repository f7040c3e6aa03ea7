//! Which pages of a linear memory the memory functions of the host interface gave out, and which came back.
//!
//! Pure bookkeeping, in pages of 64 KiB; part of the Proto-Faaslet, since what an initialiser mapped stays mapped.

use serde::{Deserialize, Serialize};

use super::ranges::Ranges;

/// A page of linear memory (core specification 4.2.8), which is also what `mmap` deals in.
pub const WASM_PAGE: u64 = 65_536;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blocks {
    mapped: Ranges,
    /// Given back, and zero.
    free: Ranges,
    pub program_break: Option<Break>,
    /// Where host functions put texts that they give out.
    pub host_page: Option<u32>,
}

/// The program break and the piece of memory in which it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    pub base: u64,
    pub at: u64,
    /// Of the piece; above `at` it is zero.
    pub end: u64,
}

/// The same as plain values, to be written down and read back.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredBlocks {
    /// Start and end of each run of pages.
    mapped: Vec<(u32, u32)>,
    free: Vec<(u32, u32)>,
    program_break: Option<Break>,
    host_page: Option<u32>,
}

impl StoredBlocks {
    /// Nothing when they could not be of a memory of so many bytes.
    pub fn load(&self, memory_bytes: u64) -> Option<Blocks> {
        let pages = u32::try_from(memory_bytes / WASM_PAGE).ok()?;
        let (mut all, mut mapped, mut free) = (Ranges::default(), Ranges::default(), Ranges::default());
        for (ranges, stored) in [(&mut mapped, &self.mapped), (&mut free, &self.free)] {
            for &(start, end) in stored {
                if start >= end || end > pages || all.overlaps(start, end) {
                    return None;
                }
                all.insert(start, end);
                ranges.insert(start, end);
            }
        }
        let breaks = self.program_break.is_none_or(|b| b.base <= b.at && b.at <= b.end && b.end <= memory_bytes);
        let is_there = self.host_page.is_none_or(|page| page < pages);
        let (program_break, host_page) = (self.program_break, self.host_page);
        (breaks && is_there).then_some(Blocks { mapped, free, program_break, host_page })
    }
}

impl Blocks {
    pub fn store(&self) -> StoredBlocks {
        StoredBlocks {
            mapped: self.mapped.iter().collect(),
            free: self.free.iter().collect(),
            program_break: self.program_break,
            host_page: self.host_page,
        }
    }

    /// Pages that were given back before, mapped again; the lowest that fit.
    pub fn reuse(&mut self, pages: u32) -> Option<u32> {
        let start = self.free.find(pages)?;
        self.free.remove(start, start + pages);
        self.mapped.insert(start, start + pages);
        Some(start)
    }

    /// Notes fresh pages as mapped. False, and nothing changes, when some of them are ours already.
    pub fn map(&mut self, start: u32, pages: u32) -> bool {
        let end = start + pages;
        if self.mapped.overlaps(start, end) || self.free.overlaps(start, end) {
            return false;
        }
        self.mapped.insert(start, end);
        true
    }

    /// True when all of the pages are mapped.
    pub fn are_mapped(&self, start: u32, pages: u32) -> bool {
        self.mapped.contains(start, start + pages)
    }

    /// Takes mapped pages back, to be given out again. The caller makes them zero.
    pub fn release(&mut self, start: u32, pages: u32) {
        self.mapped.remove(start, start + pages);
        self.free.insert(start, start + pages);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_came_back_are_given_out_again_lowest_first() {
        let mut blocks = Blocks::default();
        assert_eq!(blocks.reuse(1), None);
        assert!(blocks.map(10, 8));
        assert!(!blocks.map(17, 1), "a page has one owner");
        blocks.release(12, 2);
        blocks.release(15, 3);
        assert!(!blocks.are_mapped(10, 8));
        assert!(!blocks.map(9, 4), "pages that came back are still ours");
        assert_eq!(blocks.reuse(3), Some(15));
        assert_eq!(blocks.reuse(3), None);
        assert_eq!(blocks.reuse(2), Some(12));
        assert!(blocks.are_mapped(10, 8));
    }
}
