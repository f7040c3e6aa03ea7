//! Regions as JavaScript has them: what there is, bytes in and out. What looks through a whole region is a job with a completion.

use std::sync::Arc;

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use super::convert::Coded;
use super::group::NativeGroup;
use crate::fault::Fault;
use crate::group::{PushSelection, RegionAsk};
use crate::regions::{CHUNK, Head, Region, RegionLimits, RegionStat};

/// What the regions of a group may take; `RegionLimits` says what each is.
#[napi(object)]
pub struct NativeRegionLimits {
    pub bytes_max: f64,
    pub regions_max: u32,
    pub mappings_max: u32,
    pub faaslet_mappings_max: u32,
    pub value_bytes_max: f64,
    pub record_bytes_max: u32,
}

/// One region.
#[napi(object)]
pub struct NativeRegion {
    pub key: String,
    pub bytes: f64,
    pub bytes_here: f64,
    pub is_mapped: bool,
    pub may_be_changed: bool,
    /// Empty when it was made here, and not pushed yet.
    pub version: String,
    /// Grows with each use of any region.
    pub used: f64,
}

/// Memory of all regions of a group.
#[napi(object)]
pub struct NativeRegionTotals {
    pub bytes: f64,
    pub bytes_max: f64,
    pub mappings: f64,
}

#[napi]
impl NativeGroup {
    /// What there is of a key; nothing when nothing is known of a value.
    #[napi(catch_unwind)]
    pub fn region_stat(&self, key: String) -> Result<Option<NativeRegion>, Coded> {
        let stat = self.group.regions.find(&key).map(|region| region.stat());
        Ok(stat.filter(|stat| stat.is_known).map(native))
    }

    /// Which chunks are not here, of so many from `first` on: pairs of the first and the one behind the last. Nothing when nothing is
    /// known of the value.
    #[napi(catch_unwind)]
    pub fn region_missing(&self, key: String, first: u32, count: u32) -> Result<Option<Vec<u32>>, Coded> {
        let region = self.group.regions.find(&key);
        let missing = region.and_then(|region| region.missing(first as usize, count as usize));
        Ok(missing.map(|ranges| ranges.into_iter().flat_map(|range| [range.start, range.end]).collect()))
    }

    #[napi(catch_unwind)]
    pub fn regions(&self) -> Result<Vec<NativeRegion>, Coded> {
        Ok(self.group.regions.list().into_iter().map(native).collect())
    }

    #[napi(catch_unwind)]
    pub fn region_totals(&self) -> Result<NativeRegionTotals, Coded> {
        let regions = &self.group.regions;
        Ok(NativeRegionTotals {
            bytes: regions.budget.used_bytes() as f64,
            bytes_max: regions.limits.bytes_max as f64,
            mappings: regions.mappings() as f64,
        })
    }

    /// A part of a value as it is here; what is not here is zero. Shorter at the value's end.
    #[napi(catch_unwind)]
    pub fn region_read(&self, key: String, offset: f64, length: f64) -> Result<Option<Uint8Array>, Coded> {
        let Some(region) = self.group.regions.find(&key).filter(|region| region.is_known()) else { return Ok(None) };
        let (offset, bytes) = (offset as u64, region.stat().bytes);
        let length = (length as u64).min(bytes.saturating_sub(offset));
        let mut read = Vec::new();
        read.try_reserve_exact(length as usize).map_err(|e| Fault::capacity("a copy of state", e))?;
        region.read(offset, length, &mut |_, piece| {
            read.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(Some(Uint8Array::from(read)))
    }

    /// A chunk that was pulled; it counts with the next commit. With `keeps_changes`, what was changed here stays.
    #[napi(catch_unwind)]
    pub fn region_fill(&self, key: String, index: u32, bytes: &[u8], keeps_changes: bool) -> Result<(), Coded> {
        if bytes.len() as u64 > CHUNK || u64::from(index) * CHUNK >= self.group.regions.limits.value_bytes_max {
            return Err(Fault::bug("no chunk of a value").into());
        }
        Ok(self.group.regions.region(&key)?.fill(index as usize, bytes, keeps_changes)?)
    }

    /// What was filled is of this version.
    #[napi(catch_unwind)]
    pub fn region_commit(
        &self,
        key: String,
        version: String,
        bytes: f64,
        hashes: &[u8],
        keeps_changes: bool,
    ) -> Result<(), Coded> {
        let head = self.head(version, bytes, hashes)?;
        Ok(self.group.regions.region(&key)?.commit(&head, keeps_changes)?)
    }

    /// What was filled is of no version.
    #[napi(catch_unwind)]
    pub fn region_abort_pull(&self, key: String) -> Result<(), Coded> {
        if let Some(region) = self.group.regions.find(&key) {
            region.abort_pull()?;
            self.group.regions.tidy(&region);
        }
        Ok(())
    }

    /// A chunk as a push sends it; nothing when it is not here.
    #[napi(catch_unwind)]
    pub fn region_take(&self, key: String, index: u32) -> Result<Option<Uint8Array>, Coded> {
        let Some(region) = self.group.regions.find(&key) else { return Ok(None) };
        Ok(region.take(index as usize)?.map(Uint8Array::from))
    }

    /// A chunk as it was where it was made from; nothing when that was not kept.
    #[napi(catch_unwind)]
    pub fn region_twin(&self, key: String, index: u32) -> Result<Option<Uint8Array>, Coded> {
        let Some(region) = self.group.regions.find(&key) else { return Ok(None) };
        Ok(region.twin(index as usize)?.map(Uint8Array::from))
    }

    /// Ends a push that has arrived.
    #[napi(catch_unwind)]
    pub fn region_settle(&self, key: String, version: String, bytes: f64, hashes: &[u8]) -> Result<(), Coded> {
        let head = self.head(version, bytes, hashes)?;
        Ok(self.found(&key)?.settle(&head)?)
    }

    /// Ends a push that has not.
    #[napi(catch_unwind)]
    pub fn region_abort_push(&self, key: String) -> Result<(), Coded> {
        match self.group.regions.find(&key) {
            Some(region) => Ok(region.abort_push()?),
            None => Ok(()),
        }
    }

    /// There is no such value any more. Mappings of it stay until their calls have ended.
    #[napi(catch_unwind)]
    pub fn region_forget(&self, key: String) -> Result<(), Coded> {
        self.group.regions.drop_any(&key);
        Ok(())
    }

    /// Asks for the hashes of a region; they are a completion.
    #[napi(catch_unwind)]
    pub fn region_hashes(&self, id: u32, key: String) -> Result<(), Coded> {
        Ok(self.group.ask_region(id, RegionAsk::Hashes(key))?)
    }

    /// Begins a push; what changed is a completion. `ranges` are pairs of the first chunk and the one behind the last.
    #[napi(catch_unwind)]
    pub fn region_begin_push(
        &self,
        id: u32,
        key: String,
        ranges: Option<Vec<u32>>,
        mask: Option<String>,
    ) -> Result<(), Coded> {
        let pairs = |all: Vec<u32>| all.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
        let selection = PushSelection { ranges: ranges.map(pairs), mask };
        Ok(self.group.ask_region(id, RegionAsk::BeginPush(key, selection))?)
    }

    /// Takes a region out of memory if nothing is lost by that; whether it is gone is a completion.
    #[napi(catch_unwind)]
    pub fn region_drop(&self, id: u32, key: String) -> Result<(), Coded> {
        Ok(self.group.ask_region(id, RegionAsk::Drop(key))?)
    }

    fn found(&self, key: &str) -> Result<Arc<Region>, Fault> {
        self.group.regions.find(key).ok_or_else(|| Fault::new("ERR_NOT_FOUND", "no such region in the group"))
    }

    fn head(&self, version: String, bytes: f64, hashes: &[u8]) -> Result<Head, Fault> {
        if bytes as u64 > self.group.regions.limits.value_bytes_max {
            return Err(Fault::bug("a value over the limit"));
        }
        Ok(Head { version: version.into(), bytes: bytes as u64, hashes: hashes.to_vec() })
    }
}

fn native(stat: RegionStat) -> NativeRegion {
    NativeRegion {
        key: stat.key.into(),
        bytes: stat.bytes as f64,
        bytes_here: stat.bytes_here as f64,
        is_mapped: stat.is_mapped,
        may_be_changed: stat.may_be_changed,
        version: stat.version.into(),
        used: stat.used as f64,
    }
}

impl From<NativeRegionLimits> for RegionLimits {
    fn from(limits: NativeRegionLimits) -> Self {
        Self {
            bytes_max: limits.bytes_max as u64,
            regions_max: limits.regions_max as usize,
            mappings_max: limits.mappings_max.into(),
            faaslet_mappings_max: limits.faaslet_mappings_max as usize,
            value_bytes_max: limits.value_bytes_max as u64,
            record_bytes_max: limits.record_bytes_max,
        }
    }
}
