//! Faaslets that wait for a call. The one that came last is taken first: its pages are likelier to be in the processor's
//! caches.

use crate::faaslet::Faaslet;

/// Idle Faaslets of a function that hold pages: enough for those that run at once on most machines.
const HOLDING_MAX: usize = 16;

#[derive(Default)]
pub struct Idle {
    faaslets: Vec<Faaslet>,
    /// How many of them hold pages.
    holding: usize,
    /// The fewest there were since the last cooling: the first so many were not needed.
    fewest: usize,
}

impl Idle {
    pub fn count(&self) -> usize {
        self.faaslets.len()
    }

    /// Whether another one may hold pages.
    pub fn has_room_for_pages(&self) -> bool {
        self.holding < HOLDING_MAX
    }

    pub fn put(&mut self, faaslet: Faaslet) {
        self.holding += usize::from(faaslet.holds_pages());
        self.faaslets.push(faaslet);
    }

    pub fn take(&mut self) -> Option<Faaslet> {
        let taken = self.faaslets.pop()?;
        self.holding -= usize::from(taken.holds_pages());
        self.fewest = self.fewest.min(self.faaslets.len());
        Some(taken)
    }

    /// Keeps the first so many; gives the others.
    pub fn shrink(&mut self, keep: usize) -> Vec<Faaslet> {
        let surplus = self.faaslets.split_off(keep.min(self.faaslets.len()));
        self.holding -= surplus.iter().filter(|faaslet| faaslet.holds_pages()).count();
        self.fewest = self.fewest.min(keep);
        surplus
    }

    /// Takes the pages of those that were not needed since the last time.
    pub fn cool(&mut self) {
        for faaslet in self.faaslets.iter().take(self.fewest) {
            if self.holding == 0 {
                break;
            }
            self.holding -= usize::from(faaslet.cool());
        }
        self.fewest = self.faaslets.len();
    }
}
