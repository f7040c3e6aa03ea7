//! The value in a region: how long it is, which chunks of it are here, and what they were made from. All of it is used under the
//! region's lock; guests change bytes of mapped chunks beside it at any time.

use std::ops::Range;
use std::sync::Arc;

use super::budget::{Budget, Kept};
use super::chunk::Chunk;
use super::file::RegionFile;
use super::region::Region;
use super::scratch::with_scratch;
use super::{CHUNK, HASH_BYTES, Hash};
use crate::fault::Fault;

/// What a value is in the global tier, as TypeScript tells it.
pub struct Head {
    /// Opaque here.
    pub version: Box<str>,
    pub bytes: u64,
    /// `HASH_BYTES` for each chunk.
    pub hashes: Vec<u8>,
}

impl Head {
    pub fn hash(&self, index: usize) -> Option<Hash> {
        self.hashes.get(index * HASH_BYTES..(index + 1) * HASH_BYTES)?.try_into().ok()
    }
}

/// A push that has begun.
pub struct Push {
    pub generation: u64,
    pub bytes: u64,
    /// Where the mask came from.
    pub mask: Option<Arc<Region>>,
}

pub struct Value {
    /// How long it is is known: from a head, or because it was made here.
    pub is_known: bool,
    pub bytes: u64,
    /// How long it was where it was made from. None: it was made here.
    pub base_bytes: Option<u64>,
    /// The version that all chunks that are here were made from; an older one when some are newer.
    pub version: Option<Box<str>>,
    pub chunks: Vec<Chunk>,
    /// Every chunk is here, has memory and counts as touched: a mapping has nothing to prepare.
    pub is_ready: bool,
    /// Raised when the whole value is replaced.
    pub generation: u64,
    pub push: Option<Push>,
    budget: Arc<Budget>,
}

impl Value {
    /// Nothing is known of it yet.
    pub fn unknown(budget: &Arc<Budget>) -> Self {
        Self {
            is_known: false,
            bytes: 0,
            base_bytes: None,
            version: None,
            chunks: Vec::new(),
            is_ready: false,
            generation: 0,
            push: None,
            budget: budget.clone(),
        }
    }

    /// Where chunk `index` ends, from its own beginning.
    pub fn chunk_length(&self, index: usize) -> usize {
        self.bytes.saturating_sub(index as u64 * CHUNK).min(CHUNK) as usize
    }

    pub fn has(&self, chunks: Range<usize>) -> bool {
        self.chunks.get(chunks).is_some_and(|chunks| chunks.iter().all(|chunk| chunk.is_here))
    }

    /// Before bytes of a chunk change, or can change without notice: keeps what is needed to find out what changed.
    pub fn before_change(&mut self, index: usize, file: &RegionFile) -> Result<(), Fault> {
        let length = self.chunk_length(index);
        let Some(chunk) = self.chunks.get_mut(index) else { return Err(Fault::bug("no such chunk")) };
        let keeps_push = chunk.is_taken && chunk.pushed.is_none();
        let keeps_twin = (chunk.base.is_some() || chunk.has_arrived) && chunk.twin.is_none();
        if keeps_push || keeps_twin {
            let mut bytes = vec![0; length];
            file.read(index as u64 * CHUNK, &mut bytes)?;
            if keeps_twin {
                chunk.twin = Some(Kept::new(&bytes, &self.budget)?);
            }
            if keeps_push {
                chunk.pushed = Some(Kept::new(&bytes, &self.budget)?);
            }
        }
        chunk.is_touched = true;
        Ok(())
    }

    /// Whether a chunk is not what it was made from. One that is, and that nobody has mapped, counts as untouched afterwards.
    pub fn is_changed(&mut self, index: usize, file: &RegionFile, is_mapped: bool) -> Result<bool, Fault> {
        let length = self.chunk_length(index);
        let Some(chunk) = self.chunks.get_mut(index).filter(|chunk| chunk.is_here) else { return Ok(false) };
        if chunk.base.is_none() {
            return Ok(true);
        }
        if !chunk.is_touched {
            return Ok(false);
        }
        let Some(twin) = &chunk.twin else { return Err(Fault::bug("a touched chunk without a twin")) };
        let is_changed = with_scratch(|scratch| {
            let bytes = &mut scratch[..length];
            file.read(index as u64 * CHUNK, bytes).map(|()| !same(bytes, twin.bytes()))
        })?;
        if !is_changed && !is_mapped && !chunk.is_taken {
            chunk.is_touched = false;
            chunk.twin = None;
            self.is_ready = false;
        }
        Ok(is_changed)
    }

    /// Takes the length that others gave the value. What is new is still to come.
    pub fn adopt_length(&mut self, bytes: u64, file: &RegionFile, is_mapped: bool) -> Result<(), Fault> {
        let count = bytes.div_ceil(CHUNK) as usize;
        if bytes < self.bytes {
            self.clear(bytes, u64::MAX, file, is_mapped)?;
        } else if let Some(last) = self.chunks.get((self.bytes / CHUNK) as usize)
            && !last.has_arrived
        {
            // Guests may have written behind the end, in the last page. What comes behind this chunk will be overwritten.
            self.clear(self.bytes, self.bytes.next_multiple_of(CHUNK), file, is_mapped)?;
        }
        file.grow(bytes)?;
        self.bytes = bytes;
        self.drop_chunks_behind_end();
        self.chunks.resize_with(count, Chunk::default);
        self.is_ready = false;
        Ok(())
    }

    pub fn drop_chunks_behind_end(&mut self) {
        let count = self.bytes.div_ceil(CHUNK) as usize;
        let dropped = self.chunks.iter().skip(count).filter(|chunk| chunk.is_counted()).count();
        self.budget.give_back(dropped as u64);
        self.chunks.truncate(count);
    }

    /// The value is made here, of so many bytes, and replaces whatever is elsewhere. What is in it stays as it is, with
    /// `is_empty` it is zero; what is behind its end is zero.
    pub fn renew(&mut self, bytes: u64, is_empty: bool, file: &RegionFile, is_mapped: bool) -> Result<(), Fault> {
        let count = bytes.div_ceil(CHUNK) as usize;
        let kept = self.chunks.iter().take(count).filter(|chunk| chunk.is_counted()).count();
        // First, and all of it: nothing has changed when there is no room.
        self.budget.take((count - kept) as u64)?;
        let prepared =
            self.clear(if is_empty { 0 } else { bytes }, u64::MAX, file, is_mapped).and_then(|()| file.grow(bytes));
        if let Err(fault) = prepared {
            self.budget.give_back((count - kept) as u64);
            return Err(fault);
        }
        self.bytes = bytes;
        self.drop_chunks_behind_end();
        self.chunks.resize_with(count, Chunk::default);
        for chunk in &mut self.chunks {
            chunk.end_push();
            chunk.forget_base();
            (chunk.is_here, chunk.has_arrived) = (true, false);
        }
        self.base_bytes = None;
        self.generation += 1;
        (self.is_known, self.is_ready) = (true, false);
        Ok(())
    }

    /// Makes a range zero. Pages that guests may have mapped keep their memory.
    fn clear(&mut self, from: u64, to: u64, file: &RegionFile, is_mapped: bool) -> Result<(), Fault> {
        if is_mapped {
            return file.overwrite(from, to);
        }
        self.chunks.iter_mut().skip((from / CHUNK) as usize).for_each(|chunk| chunk.is_backed = false);
        file.clear(from, to)
    }

    /// Whether nothing is lost when it goes: all that is here is also where it was made from.
    pub fn is_expendable(&self) -> bool {
        let is_kept =
            |chunk: &Chunk| !chunk.has_arrived && (!chunk.is_here || (!chunk.is_touched && chunk.base.is_some()));
        self.push.is_none()
            && self.chunks.iter().all(is_kept)
            && (!self.is_known || self.base_bytes == Some(self.bytes))
    }

    /// Notes what version the chunks are of, when all that are here are of it.
    pub fn note_version(&mut self, head: &Head) {
        let is_of = |(index, chunk): (usize, &Chunk)| !chunk.is_here || chunk.base == head.hash(index);
        if self.chunks.iter().enumerate().all(is_of) {
            self.version = Some(head.version.clone());
        }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.budget.give_back(self.chunks.iter().filter(|chunk| chunk.is_counted()).count() as u64);
    }
}

/// Whether both are the same when the shorter one goes on with zeros, as in a chunk's hash.
fn same(one: &[u8], other: &[u8]) -> bool {
    let length = one.len().min(other.len());
    one[..length] == other[..length] && one[length..].iter().chain(&other[length..]).all(|byte| *byte == 0)
}
