//! One region: a value in shared memory, its lock, and who uses it.

use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::budget::{Budget, Kept};
use super::file::RegionFile;
use super::lock::Lock;
use super::scratch::with_scratch;
use super::value::{Head, Value};
use super::{CHUNK, HASH_BYTES, NO_HASH};
use crate::fault::Fault;
use crate::memory::PAGE;

/// How much of a value is moved at once: nobody else's host call on this region sees a part of so much.
pub const PIECE: u64 = 4 << 20;

/// Is given bytes of a value, and their place from the beginning of what was asked for.
pub type Give<'a> = dyn FnMut(u64, &[u8]) -> Result<(), Fault> + 'a;
/// Gives bytes for a value.
pub type Take<'a> = dyn FnMut(u64, &mut [u8]) -> Result<(), Fault> + 'a;

pub struct Region {
    pub key: Box<str>,
    pub lock: Lock,
    file: OnceLock<RegionFile>,
    /// Tells which regions were used last.
    used: AtomicU64,
    inner: Mutex<Inner>,
    pub(super) budget: Arc<Budget>,
}

pub(super) struct Inner {
    /// No longer in the table: whoever holds it looks the key up again.
    pub is_detached: bool,
    /// Calls that are about to use what they asked for.
    pins: u32,
    /// Mappings in linear memories.
    pub mapped: u32,
    pub value: Option<Value>,
}

/// What a region has of what somebody wants.
#[derive(Debug, PartialEq, Eq)]
pub enum Here {
    /// Nothing is known of the value.
    Unknown,
    /// Some chunks are not here.
    Partly {
        bytes: u64,
    },
    Wholly {
        bytes: u64,
    },
}

/// What is reported of a region.
pub struct RegionStat {
    pub key: Box<str>,
    pub is_known: bool,
    pub bytes: u64,
    pub bytes_here: u64,
    pub is_mapped: bool,
    /// It may hold what the global tier does not.
    pub may_be_changed: bool,
    pub version: Box<str>,
    pub used: u64,
}

impl Region {
    pub fn new(key: &str, budget: &Arc<Budget>) -> Self {
        let inner = Inner { is_detached: false, pins: 0, mapped: 0, value: None };
        Self {
            key: key.into(),
            lock: Lock::default(),
            file: OnceLock::new(),
            used: AtomicU64::new(0),
            inner: inner.into(),
            budget: budget.clone(),
        }
    }

    pub fn note_use(&self, now: u64) {
        self.used.store(now, Ordering::Relaxed);
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        // After a panic in here the region may be inconsistent, as any memory that guests write to; never unsound.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn file(&self) -> Result<&RegionFile, Fault> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = RegionFile::create()?;
        Ok(self.file.get_or_init(|| file))
    }

    /// Keeps the region in the table. None: it is not in it any more.
    pub fn pin(self: &Arc<Self>) -> Option<Pin> {
        let mut inner = self.inner();
        if inner.is_detached {
            return None;
        }
        inner.pins += 1;
        Some(Pin(self.clone()))
    }

    /// Whether `[offset, offset + length)` is here, as far as the value goes.
    pub fn look(&self, offset: u64, length: u64) -> Here {
        let inner = self.inner();
        let Some(value) = inner.value.as_ref().filter(|value| value.is_known) else { return Here::Unknown };
        let bytes = value.bytes;
        let end = offset.saturating_add(length).min(bytes);
        if offset >= end || value.is_ready || value.has(chunks(offset, end)) {
            Here::Wholly { bytes }
        } else {
            Here::Partly { bytes }
        }
    }

    /// Hands `[offset, offset + length)` over in pieces of a chunk; what is not here is zero. Up to `PIECE` bytes are of one
    /// moment, but for what guests do with mapped pages.
    pub fn read(&self, offset: u64, length: u64, give: &mut Give<'_>) -> Result<(), Fault> {
        with_scratch(|buffer| {
            let mut at = offset;
            while at < offset + length {
                let end = (at + PIECE).min(offset + length);
                let inner = self.inner();
                while at < end {
                    let piece = (CHUNK - at % CHUNK).min(end - at) as usize;
                    if inner.value.as_ref().is_some_and(|value| value.has(chunks(at, at + piece as u64))) {
                        self.file()?.read(at, &mut buffer[..piece])?;
                    } else {
                        buffer[..piece].fill(0);
                    }
                    give(at - offset, &buffer[..piece])?;
                    at += piece as u64;
                }
            }
            Ok(())
        })
    }

    /// Takes bytes for `[offset, offset + length)`, which is here; in pieces as `read` gives them.
    pub fn write(&self, offset: u64, length: u64, take: &mut Take<'_>) -> Result<(), Fault> {
        let mut at = offset;
        while at < offset + length {
            let end = (at + PIECE).min(offset + length);
            let mut inner = self.inner();
            self.write_piece(&mut inner, at..end, &mut |place, bytes| take(place - offset, bytes))?;
            at = end;
        }
        Ok(())
    }

    /// The value is new: so many bytes, from `take`. It replaces what is elsewhere when it is pushed.
    pub fn replace(&self, bytes: u64, take: &mut Take<'_>) -> Result<(), Fault> {
        let mut inner = self.inner();
        self.renew(&mut inner, bytes, false)?;
        // Nobody sees the old length with new bytes or the other way round, unless the value is larger than a piece.
        let end = bytes.min(PIECE);
        self.write_piece(&mut inner, 0..end, take)?;
        drop(inner);
        if end < bytes {
            self.write(end, bytes - end, &mut |place, piece| take(place + end, piece))?;
        }
        Ok(())
    }

    /// A value of so many zeros, if there is none; false if there is.
    pub fn create(&self, bytes: u64) -> Result<bool, Fault> {
        let mut inner = self.inner();
        if inner.value.as_ref().is_some_and(|value| value.is_known) {
            return Ok(false);
        }
        self.renew(&mut inner, bytes, true)?;
        Ok(true)
    }

    fn renew(&self, inner: &mut Inner, bytes: u64, is_empty: bool) -> Result<(), Fault> {
        let is_mapped = inner.mapped > 0;
        let value = inner.value.get_or_insert_with(|| Value::unknown(&self.budget));
        value.renew(bytes, is_empty, self.file()?, is_mapped)
    }

    /// One piece under one lock.
    fn write_piece(&self, inner: &mut Inner, range: Range<u64>, take: &mut Take<'_>) -> Result<(), Fault> {
        let file = self.file()?;
        let gone = || Fault::new("ERR_GUEST_MISUSE", "the value became shorter while it was written");
        let value = inner.value.as_mut().filter(|value| range.end <= value.bytes).ok_or_else(gone)?;
        let mut at = range.start;
        while at < range.end {
            let piece = (CHUNK - at % CHUNK).min(range.end - at) as usize;
            let index = (at / CHUNK) as usize;
            if !value.has(index..index + 1) {
                return Err(Fault::bug("a write to a chunk that is not here"));
            }
            value.before_change(index, file)?;
            with_scratch(|buffer| {
                take(at, &mut buffer[..piece])?;
                file.write(at, &buffer[..piece])
            })?;
            at += piece as u64;
        }
        Ok(())
    }

    /// Prepares a mapping of `[offset, offset + length)`, whole pages of a value that is here: every page has memory, and what
    /// is needed to find changes is kept. Counts the mapping; `unmapped` takes it back. False: not all of it is here any more.
    pub fn prepare_mapping(&self, offset: u64, length: u64) -> Result<bool, Fault> {
        let file = self.file()?;
        // Chunk by chunk, so that others get at the region meanwhile; what they undo is found in the end.
        for index in chunks(offset, offset + length) {
            let mut inner = self.inner();
            match inner.value.as_mut() {
                Some(value) if value.is_ready => break,
                Some(value) if value.has(index..index + 1) => Self::prepare(value, index, file)?,
                _ => return Ok(false),
            }
        }
        let mut inner = self.inner();
        let Inner { value, mapped, .. } = &mut *inner;
        let Some(value) = value.as_mut().filter(|value| offset + length <= value.bytes.next_multiple_of(PAGE as u64))
        else {
            return Ok(false);
        };
        let range = chunks(offset, offset + length);
        if !value.is_ready {
            for index in range.clone() {
                if !value.has(index..index + 1) {
                    return Ok(false);
                }
                Self::prepare(value, index, file)?;
            }
            value.is_ready = range == (0..value.chunks.len());
        }
        if offset + length > value.bytes {
            file.overwrite(value.bytes, offset + length)?;
        }
        *mapped += 1;
        Ok(true)
    }

    fn prepare(value: &mut Value, index: usize, file: &RegionFile) -> Result<(), Fault> {
        let is_prepared = |value: &Value| {
            value.chunks.get(index).is_some_and(|chunk| {
                chunk.is_touched
                    && (chunk.base.is_none() || chunk.twin.is_some())
                    && (!chunk.is_taken || chunk.pushed.is_some())
            })
        };
        if !is_prepared(value) {
            value.before_change(index, file)?;
        }
        let start = index as u64 * CHUNK;
        let end = start + (value.chunk_length(index) as u64).next_multiple_of(PAGE as u64);
        if let Some(chunk) = value.chunks.get_mut(index).filter(|chunk| !chunk.is_backed) {
            file.back(start, end)?;
            chunk.is_backed = true;
        }
        Ok(())
    }

    pub fn unmapped(&self) {
        self.inner().mapped -= 1;
    }

    /// The file to map. It never shrinks, and lives as long as a mapping of it.
    pub fn fd(&self) -> Result<BorrowedFd<'_>, Fault> {
        Ok(self.file()?.as_fd())
    }

    /// A hash for each chunk that is here and as it was pulled or pushed; else `NO_HASH`. What others have and we have not, or
    /// not any more, is found by comparing with it.
    pub fn hashes(&self) -> Result<Vec<u8>, Fault> {
        let count = self.inner().value.as_ref().map_or(0, |value| value.chunks.len());
        let mut hashes = Vec::with_capacity(count * HASH_BYTES);
        // Chunk by chunk, so that others get at the region meanwhile.
        for index in 0..count {
            let mut inner = self.inner();
            let Inner { value, mapped, .. } = &mut *inner;
            let Some(value) = value.as_mut().filter(|value| index < value.chunks.len()) else { break };
            let is_changed = value.is_changed(index, self.file()?, *mapped > 0)?;
            let chunk = &value.chunks[index];
            let hash = chunk.base.filter(|_| chunk.is_here && !is_changed);
            hashes.extend_from_slice(&hash.unwrap_or(NO_HASH));
        }
        Ok(hashes)
    }

    /// Which of so many chunks from `first` on are not here, as far as the value goes: ranges. None: nothing is known of it.
    pub fn missing(&self, first: usize, count: usize) -> Option<Vec<Range<u32>>> {
        let inner = self.inner();
        let value = inner.value.as_ref().filter(|value| value.is_known)?;
        let mut missing: Vec<Range<u32>> = Vec::new();
        let all = value.chunks.iter().enumerate().skip(first).take(count);
        for (index, _) in all.filter(|(_, chunk)| !chunk.is_here) {
            let index = index as u32;
            match missing.last_mut() {
                Some(last) if last.end == index => last.end += 1,
                _ => missing.push(index..index + 1),
            }
        }
        Some(missing)
    }

    /// Takes a chunk that was pulled. With `keeps_changes`, bytes that were changed here stay. It counts from the next commit on.
    pub fn fill(&self, index: usize, bytes: &[u8], keeps_changes: bool) -> Result<(), Fault> {
        let file = self.file()?;
        let start = index as u64 * CHUNK;
        let mut inner = self.inner();
        let is_mapped = inner.mapped > 0;
        let value = inner.value.get_or_insert_with(|| Value::unknown(&self.budget));
        if value.chunks.len() <= index {
            value.chunks.resize_with(index + 1, Default::default);
        }
        let chunk = &mut value.chunks[index];
        if !chunk.is_counted() {
            self.budget.take(1)?;
        }
        chunk.has_arrived = true;
        let is_touched = chunk.is_here && chunk.is_touched;
        // Before anything changes: there may be no room for it.
        let keeps_twin = is_touched && (keeps_changes || is_mapped);
        let twin = if keeps_twin { Some(Kept::new(bytes, &self.budget)?) } else { None };
        if is_touched && keeps_changes {
            // Without a twin all of it was made here, and stays.
            if let Some(base) = &chunk.twin {
                file.merge(start, base.bytes(), bytes)?;
            }
        } else {
            file.write(start, bytes)?;
            chunk.is_backed = true;
            let rest = start + bytes.len() as u64;
            if is_mapped {
                file.overwrite(rest, start + CHUNK)?;
            } else {
                file.clear(rest, start + CHUNK)?;
            }
        }
        chunk.twin = twin;
        chunk.is_touched = keeps_twin;
        value.is_ready &= keeps_twin;
        Ok(())
    }

    /// What arrived is of this head. The value takes its length, unless it was changed here and `keeps_changes`.
    pub fn commit(&self, head: &Head, keeps_changes: bool) -> Result<(), Fault> {
        let file = self.file()?;
        let mut inner = self.inner();
        let is_mapped = inner.mapped > 0;
        let value = inner.value.get_or_insert_with(|| Value::unknown(&self.budget));
        let is_resized = value.is_known && value.base_bytes.is_none_or(|base| base != value.bytes);
        if !value.is_known {
            // The chunks that arrived are no part of its length yet.
            value.bytes = value.chunks.len() as u64 * CHUNK;
        }
        if !(keeps_changes && is_resized) && value.bytes != head.bytes {
            value.adopt_length(head.bytes, file, is_mapped)?;
        } else {
            value.drop_chunks_behind_end();
        }
        for (index, chunk) in value.chunks.iter_mut().enumerate() {
            match head.hash(index) {
                Some(hash) if chunk.has_arrived => {
                    (chunk.is_here, chunk.has_arrived) = (true, false);
                    chunk.base = Some(hash);
                }
                Some(_) => {}
                None if chunk.base.is_some() => chunk.forget_base(),
                None => {}
            }
        }
        value.base_bytes = Some(head.bytes);
        value.is_known = true;
        value.note_version(head);
        Ok(())
    }

    /// What arrived is of nobody knows which version: the pull failed.
    pub fn abort_pull(&self) -> Result<(), Fault> {
        let mut inner = self.inner();
        let Inner { value: place, .. } = &mut *inner;
        let Some(value) = place else { return Ok(()) };
        if !value.is_known {
            *place = None;
            return Ok(());
        }
        for index in 0..value.chunks.len() {
            let chunk = &mut value.chunks[index];
            if !std::mem::take(&mut chunk.has_arrived) {
                continue;
            }
            if chunk.is_here {
                // Pulled again next time, and merged when it is pushed before.
                chunk.base = Some(NO_HASH);
                value.before_change(index, self.file()?)?;
            } else {
                self.budget.give_back(1);
            }
        }
        Ok(())
    }

    /// Whether there is a value, here or elsewhere, as far as is known here.
    pub fn is_known(&self) -> bool {
        self.inner().value.as_ref().is_some_and(|value| value.is_known)
    }

    pub fn stat(&self) -> RegionStat {
        let inner = self.inner();
        let value = inner.value.as_ref();
        let bytes = value.map_or(0, |value| value.bytes);
        let here = |value: &Value| {
            let lengths = value.chunks.iter().enumerate().filter(|(_, chunk)| chunk.is_here);
            lengths.map(|(index, _)| value.chunk_length(index) as u64).sum()
        };
        let may_be_changed = |value: &Value| {
            let is_dirty = |chunk: &super::chunk::Chunk| chunk.is_here && (chunk.is_touched || chunk.base.is_none());
            value.base_bytes.is_some_and(|base| base != value.bytes) || value.chunks.iter().any(is_dirty)
        };
        RegionStat {
            key: self.key.clone(),
            is_known: value.is_some_and(|value| value.is_known),
            bytes,
            bytes_here: value.map_or(0, here),
            is_mapped: inner.mapped > 0,
            may_be_changed: value.is_some_and(may_be_changed),
            version: value.and_then(|value| value.version.clone()).unwrap_or_default(),
            used: self.used.load(Ordering::Relaxed),
        }
    }

    /// Takes the region out of use when nothing is lost by it and nobody needs it. The table's lock is held.
    pub(super) fn try_detach(&self) -> bool {
        let mut inner = self.inner();
        if inner.pins > 0 || inner.mapped > 0 || inner.value.as_ref().is_some_and(|value| !value.is_expendable()) {
            return false;
        }
        if !self.lock.try_close() {
            return false;
        }
        self.detach(&mut inner);
        true
    }

    /// Takes the region out of use whatever it holds. Faaslets that have it mapped keep their pages.
    pub(super) fn force_detach(&self) {
        let mut inner = self.inner();
        // Who holds the lock releases it; who comes finds another region.
        self.lock.try_close();
        self.detach(&mut inner);
    }

    fn detach(&self, inner: &mut Inner) {
        inner.is_detached = true;
        inner.value = None;
        if let Some(file) = self.file.get()
            && inner.mapped == 0
        {
            // Now, not when the last call that looked at it has ended.
            let _ = file.clear(0, u64::MAX);
        }
    }
}

/// A region that stays in the table.
pub struct Pin(Arc<Region>);

impl std::ops::Deref for Pin {
    type Target = Arc<Region>;

    fn deref(&self) -> &Arc<Region> {
        &self.0
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.0.inner().pins -= 1;
    }
}

/// The chunks that `[from, to)` touches.
pub(super) fn chunks(from: u64, to: u64) -> Range<usize> {
    if from >= to { 0..0 } else { (from / CHUNK) as usize..to.div_ceil(CHUNK) as usize }
}
