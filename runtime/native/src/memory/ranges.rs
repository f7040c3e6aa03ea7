//! A set of page numbers, kept as ranges.

use std::collections::BTreeMap;

/// Pages as `start -> end`; ranges neither overlap nor touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(BTreeMap<u32, u32>);

impl Ranges {
    /// Adds `[start, end)`.
    pub fn insert(&mut self, mut start: u32, mut end: u32) {
        if start >= end {
            return;
        }
        while let Some((&first, &last)) = self.0.range(..=end).next_back()
            && last >= start
        {
            start = start.min(first);
            end = end.max(last);
            self.0.remove(&first);
        }
        self.0.insert(start, end);
    }

    /// Takes `[start, end)` out; what of it was not in the set does not matter.
    pub fn remove(&mut self, start: u32, end: u32) {
        if start >= end {
            return;
        }
        while let Some((&first, &last)) = self.0.range(..end).next_back()
            && last > start
        {
            self.0.remove(&first);
            if first < start {
                self.0.insert(first, start);
            }
            if last > end {
                self.0.insert(end, last);
            }
        }
    }

    /// True when all of `[start, end)` is in the set.
    pub fn contains(&self, start: u32, end: u32) -> bool {
        self.0.range(..=start).next_back().is_some_and(|(_, last)| *last >= end)
    }

    /// True when some of `[start, end)` is in the set.
    pub fn overlaps(&self, start: u32, end: u32) -> bool {
        self.0.range(..end).next_back().is_some_and(|(_, last)| *last > start)
    }

    /// All of them in order: start and end.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        self.0.iter().map(|(start, end)| (*start, *end))
    }

    /// The lowest place of so many pages.
    pub fn find(&self, pages: u32) -> Option<u32> {
        self.0.iter().find(|(start, end)| *end - *start >= pages).map(|(start, _)| *start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same operations on a plain array of pages: whatever the order, both say the same.
    #[test]
    fn ranges_are_a_set_of_pages() {
        const PAGES: u32 = 24;
        let mut ranges = Ranges::default();
        let mut pages = [false; PAGES as usize];
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        for _ in 0..2_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let start = u32::try_from(random % u64::from(PAGES)).unwrap();
            let end = start + u32::try_from((random >> 8) % u64::from(PAGES - start + 1)).unwrap();
            let is_added = (random >> 32) & 1 == 0;
            if is_added {
                ranges.insert(start, end)
            } else {
                ranges.remove(start, end)
            }
            pages[start as usize..end as usize].fill(is_added);
            for first in 0..PAGES {
                for last in first + 1..=PAGES {
                    let part = &pages[first as usize..last as usize];
                    assert_eq!(ranges.contains(first, last), part.iter().all(|page| *page));
                    assert_eq!(ranges.overlaps(first, last), part.iter().any(|page| *page));
                }
            }
            for length in 1..=PAGES {
                let place = pages.windows(length as usize).position(|part| part.iter().all(|page| *page));
                assert_eq!(ranges.find(length), place.map(|place| u32::try_from(place).unwrap()));
            }
        }
    }
}
