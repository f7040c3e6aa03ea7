//! A push of a region: what changed, its bytes as they are sent, and what is known when they have arrived. One push of a region at a
//! time; guests go on writing meanwhile.

use std::ops::Range;
use std::sync::Arc;

use super::budget::Kept;
use super::chunk::Chunk;
use super::region::{Inner, Region, chunks};
use super::value::{Head, Push, Value};
use super::{CHUNK, NO_HASH};
use crate::fault::Fault;

/// What is looked through for changes.
pub struct Selection {
    /// Of chunks; everything without.
    pub ranges: Option<Vec<Range<u32>>>,
    /// Only bytes that are not zero in this region are sent; they become zero.
    pub mask: Option<Arc<Region>>,
}

/// What changed.
pub struct Changes {
    pub bytes: u64,
    /// What it was made from; nothing when it was made here.
    pub base: Option<Head>,
    pub chunks: Vec<u32>,
}

impl Region {
    /// Begins a push; nothing when there is no value here. To be ended by `settle` or `abort_push`.
    pub fn begin_push(&self, selection: &Selection) -> Result<Option<Changes>, Fault> {
        let (count, generation) = {
            let mut inner = self.inner();
            let Some(value) = inner.value.as_mut().filter(|value| value.is_known) else { return Ok(None) };
            if value.push.is_some() {
                return Err(Fault::bug("two pushes of a region at once"));
            }
            let (bytes, generation, mask) = (value.bytes, value.generation, selection.mask.clone());
            value.push = Some(Push { generation, bytes, mask });
            (value.chunks.len(), generation)
        };
        let mut changed = Vec::new();
        for index in (0..count).filter(|index| selection.has(*index)) {
            let masked = self.masked(index, selection.mask.as_deref())?;
            let mut inner = self.inner();
            let Inner { value, mapped, .. } = &mut *inner;
            let Some(value) = value.as_mut().filter(|value| value.generation == generation) else { break };
            let is_sent = match masked {
                Masked::Nothing => false,
                Masked::Unlimited => value.is_changed(index, self.file()?, *mapped > 0)?,
                Masked::Some(mask) => self.take_masked(value, index, mask)?,
            };
            if is_sent {
                changed.push(u32::try_from(index).map_err(Fault::bug)?);
            }
        }
        let inner = self.inner();
        let Some(value) = &inner.value else { return Ok(None) };
        Ok(Some(Changes { bytes: value.push_bytes(), base: value.base(), chunks: changed }))
    }

    /// A chunk's bytes as they are sent: the same ones until the push has ended. None: the chunk is not here.
    pub fn take(&self, index: usize) -> Result<Option<Vec<u8>>, Fault> {
        let mut inner = self.inner();
        let is_mapped = inner.mapped > 0;
        let Some(value) = &mut inner.value else { return Ok(None) };
        let length = value.chunk_length(index);
        let Some(chunk) = value.chunks.get_mut(index).filter(|chunk| chunk.is_here) else { return Ok(None) };
        if let Some(pushed) = &chunk.pushed {
            return Ok(Some(pushed.bytes().to_vec()));
        }
        let mut bytes = vec![0; length];
        self.file()?.read(index as u64 * CHUNK, &mut bytes)?;
        if is_mapped && chunk.is_touched {
            // Guests may change it without notice.
            chunk.pushed = Some(Kept::new(&bytes, &self.budget)?);
        }
        chunk.is_taken = true;
        Ok(Some(bytes))
    }

    /// A chunk's bytes as they were where it was made from. None: they were not kept.
    pub fn twin(&self, index: usize) -> Result<Option<Vec<u8>>, Fault> {
        let inner = self.inner();
        let Some(value) = &inner.value else { return Ok(None) };
        let Some(chunk) = value.chunks.get(index).filter(|chunk| chunk.is_here && chunk.base.is_some()) else {
            return Ok(None);
        };
        let mut twin = match &chunk.twin {
            Some(twin) => twin.bytes().to_vec(),
            None if !chunk.is_touched => {
                let mut bytes = vec![0; value.chunk_length(index)];
                self.file()?.read(index as u64 * CHUNK, &mut bytes)?;
                bytes
            }
            None => return Ok(None),
        };
        if let (Some(mask), Some(pushed)) = (&chunk.mask, &chunk.pushed) {
            // What the mask names counts as changed, even where it is what it was.
            for ((twin, mask), pushed) in twin.iter_mut().zip(mask.iter()).zip(pushed.bytes()) {
                if *mask != 0 {
                    *twin = !*pushed;
                }
            }
        }
        Ok(Some(twin))
    }

    /// The push has arrived: what was sent is what the value was made from now.
    pub fn settle(&self, head: &Head) -> Result<(), Fault> {
        let mut inner = self.inner();
        let is_mapped = inner.mapped > 0;
        let Some(value) = &mut inner.value else { return Ok(()) };
        let Some(push) = value.push.take() else { return Err(Fault::bug("no push to settle")) };
        if push.generation != value.generation {
            value.chunks.iter_mut().for_each(Chunk::end_push);
            return Ok(());
        }
        for (index, chunk) in value.chunks.iter_mut().enumerate().filter(|(_, chunk)| chunk.is_taken) {
            match head.hash(index) {
                Some(hash) => chunk.settle(hash),
                None => {
                    chunk.forget_base();
                    chunk.end_push();
                }
            }
        }
        value.is_ready &= value.chunks.iter().all(|chunk| chunk.is_touched);
        value.base_bytes = Some(head.bytes);
        if value.bytes == push.bytes && value.bytes != head.bytes {
            value.adopt_length(head.bytes, self.file()?, is_mapped)?;
        }
        value.note_version(head);
        Ok(())
    }

    /// The push has not arrived.
    pub fn abort_push(&self) -> Result<(), Fault> {
        let mut inner = self.inner();
        let Some(value) = &mut inner.value else { return Ok(()) };
        let Some(push) = value.push.take() else { return Ok(()) };
        let mut masks = Vec::new();
        for (index, chunk) in value.chunks.iter_mut().enumerate() {
            masks.extend(chunk.mask.take().map(|mask| (index, mask)));
            chunk.end_push();
        }
        drop(inner);
        // What the mask named is still to be sent.
        for (index, mask) in masks {
            if let Some(region) = &push.mask {
                region.file()?.merge(index as u64 * CHUNK, &[], &mask)?;
            }
        }
        Ok(())
    }

    /// Takes out what a mask holds for a chunk.
    fn masked(&self, index: usize, mask: Option<&Self>) -> Result<Masked, Fault> {
        let Some(region) = mask else { return Ok(Masked::Unlimited) };
        let mut inner = region.inner();
        let start = index as u64 * CHUNK;
        let Some(value) = inner.value.as_mut().filter(|value| value.has(chunks(start, start + 1))) else {
            return Ok(Masked::Nothing);
        };
        value.before_change(index, region.file()?)?;
        let mut bytes = vec![0; value.chunk_length(index)];
        region.file()?.swap_out(start, &mut bytes)?;
        let is_empty = bytes.iter().all(|byte| *byte == 0);
        Ok(if is_empty { Masked::Nothing } else { Masked::Some(bytes.into()) })
    }

    /// Keeps for the push what a mask names of a chunk, over what the chunk was made from. False: it is not here.
    fn take_masked(&self, value: &mut Value, index: usize, mask: Box<[u8]>) -> Result<bool, Fault> {
        if !value.has(index..index + 1) {
            return Ok(false);
        }
        let mut bytes = vec![0; value.chunk_length(index)];
        self.file()?.read(index as u64 * CHUNK, &mut bytes)?;
        let Some(chunk) = value.chunks.get_mut(index) else { return Ok(false) };
        if let Some(twin) = &chunk.twin {
            for (at, byte) in bytes.iter_mut().enumerate() {
                if mask.get(at).is_none_or(|mask| *mask == 0) {
                    *byte = twin.bytes().get(at).copied().unwrap_or(0);
                }
            }
        }
        chunk.pushed = Some(Kept::new(&bytes, &self.budget)?);
        chunk.mask = Some(mask);
        chunk.is_taken = true;
        Ok(true)
    }
}

enum Masked {
    /// There is no mask.
    Unlimited,
    Nothing,
    Some(Box<[u8]>),
}

impl Selection {
    fn has(&self, index: usize) -> bool {
        let is_in = |range: &Range<u32>| u32::try_from(index).is_ok_and(|index| range.contains(&index));
        self.ranges.as_ref().is_none_or(|ranges| ranges.iter().any(is_in))
    }
}

impl Value {
    fn push_bytes(&self) -> u64 {
        self.push.as_ref().map_or(self.bytes, |push| push.bytes)
    }

    /// What the value was made from; nothing when it was made here. The hash of what is not here is of no use to anybody.
    fn base(&self) -> Option<Head> {
        let bytes = self.base_bytes?;
        let hash = |index: usize| self.chunks.get(index).and_then(|chunk| chunk.base).unwrap_or(NO_HASH);
        let hashes = (0..bytes.div_ceil(CHUNK) as usize).flat_map(hash).collect();
        Some(Head { version: self.version.clone().unwrap_or_default(), bytes, hashes })
    }
}
