//! Which pages of a live memory may hold something, found without touching any.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

use super::image::{Image, PAGE};

/// Of a page in /proc/self/pagemap: in memory, or swapped out. What is neither was never touched.
const PRESENT_OR_SWAPPED: u64 = 0b11 << 62;
/// Pages that are looked up at once.
const WINDOW: usize = 512;
const ENTRY: usize = size_of::<u64>();

/// Asked for pages in ascending order.
pub struct Written {
    /// Without it every page may hold something.
    pagemap: Option<File>,
    first_page: usize,
    window_at: Option<usize>,
    window: [u8; WINDOW * ENTRY],
    /// Where the image below has data: its pages hold that without ever being touched. Ascending; the rest is to come.
    data: std::vec::IntoIter<(usize, usize)>,
    extent: Option<(usize, usize)>,
}

impl Written {
    /// A memory at `base` that started as `image`.
    pub fn of(base: *const u8, bytes: usize, image: &Image) -> Self {
        let mut data = data_of(image, bytes).into_iter();
        Self {
            pagemap: File::open("/proc/self/pagemap").ok(),
            first_page: base.addr() / PAGE,
            window_at: None,
            window: [0; WINDOW * ENTRY],
            extent: data.next(),
            data,
        }
    }

    /// False when the page at `offset` is zero for sure.
    pub fn may_hold(&mut self, offset: usize) -> bool {
        while self.extent.is_some_and(|(_, end)| end <= offset) {
            self.extent = self.data.next();
        }
        self.extent.is_some_and(|(start, _)| start <= offset) || self.was_touched(offset)
    }

    fn was_touched(&mut self, offset: usize) -> bool {
        let Some(pagemap) = &self.pagemap else { return true };
        let page = offset / PAGE;
        let window = page / WINDOW;
        if self.window_at != Some(window) {
            let at = (self.first_page + window * WINDOW) * ENTRY;
            if pagemap.read_exact_at(&mut self.window, at as u64).is_err() {
                self.pagemap = None;
                return true;
            }
            self.window_at = Some(window);
        }
        let at = page % WINDOW * ENTRY;
        let entry = self.window.get(at..at + ENTRY).and_then(|bytes| bytes.try_into().ok());
        entry.is_none_or(|bytes| u64::from_ne_bytes(bytes) & PRESENT_OR_SWAPPED != 0)
    }
}

/// The runs of an image's file that are no holes; all of it when the kernel does not say.
pub(super) fn data_of(image: &Image, bytes: usize) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < image.mapped_bytes() {
        let found = match seek(image.file(), SeekFrom::Data(at as u64)) {
            Ok(start) => seek(image.file(), SeekFrom::Hole(start)).map(|end| (start as usize, end as usize)),
            // Holes only.
            Err(Errno::NXIO) => break,
            Err(error) => Err(error),
        };
        let Ok((start, end)) = found else { return vec![(0, bytes)] };
        runs.push((start, end));
        at = end;
    }
    runs
}
