//! What is known of one chunk of a region.

use super::Hash;
use super::budget::Kept;

#[derive(Debug, Default)]
pub struct Chunk {
    /// Its bytes are here.
    pub is_here: bool,
    /// Its bytes came and will be known by their hash with the next commit.
    pub has_arrived: bool,
    /// All of its pages have memory.
    pub is_backed: bool,
    /// Its bytes may differ from those that `base` is of: a guest has it mapped, or it was written.
    pub is_touched: bool,
    /// It is being pushed; before a change its bytes are kept in `pushed`.
    pub is_taken: bool,
    /// The hash of what it was made from. None: it was made here.
    pub base: Option<Hash>,
    /// Its bytes as `base` is of. There while it is touched and has a base.
    pub twin: Option<Kept>,
    /// Its bytes as they were sent, when they may have changed since.
    pub pushed: Option<Kept>,
    /// What a guest's mask held when the push began: only these bytes are sent.
    pub mask: Option<Box<[u8]>>,
}

impl Chunk {
    /// Whether it takes memory.
    pub fn is_counted(&self) -> bool {
        self.is_here || self.has_arrived
    }

    /// Nothing is known of where its bytes came from: they replace whatever is elsewhere.
    pub fn forget_base(&mut self) {
        self.base = None;
        self.twin = None;
        self.is_touched = true;
    }

    /// What was sent is what it was made from now.
    pub fn settle(&mut self, hash: Hash) {
        self.base = Some(hash);
        self.twin = self.pushed.take();
        // Without a copy nobody has changed it since it was sent.
        self.is_touched = self.twin.is_some();
        self.end_push();
    }

    pub fn end_push(&mut self) {
        self.is_taken = false;
        self.pushed = None;
        self.mask = None;
    }
}
