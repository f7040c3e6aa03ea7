//! What one Faaslet has to do with regions while a call runs: what it looked up, has mapped and holds.

use std::collections::HashMap;
use std::sync::Arc;

use super::lock::Mode;
use super::region::Region;
use super::table::Regions;
use crate::engine;
use crate::fault::Fault;

/// Looked-up regions that are remembered.
const KNOWN_MAX: usize = 256;
/// Values that a call may flag before it pushes, and ranges of one.
const FLAGS_MAX: usize = 1024;

pub struct RegionUse {
    pub regions: Arc<Regions>,
    known: HashMap<Box<str>, Arc<Region>>,
    /// Unmapped by the reset, or with the memory.
    pub mapped: Vec<MappedRegion>,
    /// Released when the call has ended, in whatever way.
    pub held: Vec<HeldLock>,
    /// Global locks: TypeScript holds them, and releases them when the call has ended.
    pub held_globally: Vec<(Box<str>, Mode)>,
    /// Chunks that the guest says it changed, as `[first, end)`, since it pushed last.
    flags: HashMap<Box<str>, Vec<(u32, u32)>>,
}

/// A part of a region in this Faaslet's linear memory.
pub struct MappedRegion {
    pub region: Arc<Region>,
    /// In the region, whole pages.
    pub offset: u64,
    pub length: u64,
    /// In linear memory.
    pub address: u32,
    regions: Arc<Regions>,
}

/// A local lock of this call.
pub struct HeldLock {
    pub region: Arc<Region>,
    pub mode: Mode,
}

impl RegionUse {
    pub fn new(regions: Arc<Regions>) -> Self {
        Self {
            regions,
            known: HashMap::new(),
            mapped: Vec::new(),
            held: Vec::new(),
            held_globally: Vec::new(),
            flags: HashMap::new(),
        }
    }

    /// The region of a key if this call looked it up before.
    pub fn known(&self, key: &str) -> Option<Arc<Region>> {
        let region = self.known.get(key)?;
        region.note_use(engine::ticks());
        Some(region.clone())
    }

    /// The region of a key. It may be one that left the table meanwhile: `forget` it then, and look again.
    pub fn region(&mut self, key: &str) -> Result<Arc<Region>, Fault> {
        if let Some(region) = self.known(key) {
            return Ok(region);
        }
        let region = self.regions.region(key)?;
        if self.known.len() >= KNOWN_MAX {
            self.forget_all();
        }
        self.known.insert(key.into(), region.clone());
        Ok(region)
    }

    pub fn forget(&mut self, key: &str) {
        self.known.remove(key);
    }

    /// Notes that chunks were changed. Too many flags come to name more than they should, or everything: never less.
    pub fn flag(&mut self, key: &str, first: u32, end: u32) {
        if first >= end || (self.flags.len() >= FLAGS_MAX && !self.flags.contains_key(key)) {
            return;
        }
        let ranges = self.flags.entry(key.into()).or_default();
        let is_full = ranges.len() >= FLAGS_MAX;
        match ranges.last_mut() {
            Some(last) if is_full || (first <= last.1 && last.0 <= end) => {
                *last = (last.0.min(first), last.1.max(end));
            }
            _ => ranges.push((first, end)),
        }
    }

    /// What was flagged of a value; once.
    pub fn take_flags(&mut self, key: &str) -> Vec<(u32, u32)> {
        self.flags.remove(key).unwrap_or_default()
    }

    /// The call has ended. What is mapped stays so until the reset.
    pub fn end_call(&mut self) {
        self.held.clear();
        self.held_globally.clear();
        self.flags.clear();
        self.forget_all();
    }

    /// After the reset of the memory.
    pub fn unmapped(&mut self) {
        self.mapped.clear();
    }

    /// What a snapshot cannot hold.
    pub fn hindrance(&self) -> Option<&'static str> {
        match () {
            () if !self.mapped.is_empty() => Some("a state region is mapped"),
            () if !self.held.is_empty() || !self.held_globally.is_empty() => Some("a lock on state is held"),
            () => None,
        }
    }

    fn forget_all(&mut self) {
        for (_, region) in self.known.drain() {
            // Looked for, but not there: nothing is to be left of it.
            self.regions.tidy(&region);
        }
    }
}

impl MappedRegion {
    /// Counts a mapping that `Region::prepare_mapping` has allowed; when there are too many, that one is taken back.
    pub fn new(
        regions: &Arc<Regions>,
        region: Arc<Region>,
        offset: u64,
        length: u64,
        address: u32,
    ) -> Result<Self, Fault> {
        if let Err(fault) = regions.take_mapping() {
            region.unmapped();
            return Err(fault);
        }
        Ok(Self { region, offset, length, address, regions: regions.clone() })
    }
}

impl Drop for MappedRegion {
    fn drop(&mut self) {
        self.region.unmapped();
        self.regions.give_mapping_back();
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        self.region.lock.release(self.mode);
    }
}
