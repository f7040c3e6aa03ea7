//! The regions of a group by their keys.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::budget::Budget;
use super::region::{Region, RegionStat};
use crate::engine;
use crate::fault::Fault;

/// What a group's regions may take; nothing by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct RegionLimits {
    /// Memory of all regions, with the copies that are kept of them.
    pub bytes_max: u64,
    /// Keys: each value has a descriptor of the process.
    pub regions_max: usize,
    /// Mappings in linear memories: the process has 65,530 of all kinds.
    pub mappings_max: u64,
    /// Mappings of one Faaslet.
    pub faaslet_mappings_max: usize,
    pub value_bytes_max: u64,
    pub record_bytes_max: u32,
}

pub struct Regions {
    pub limits: RegionLimits,
    pub budget: Arc<Budget>,
    table: Mutex<HashMap<Box<str>, Arc<Region>>>,
    mappings: AtomicU64,
}

impl Regions {
    pub fn new(limits: RegionLimits) -> Arc<Self> {
        let budget = Budget::new(limits.bytes_max);
        Arc::new(Self { limits, budget, table: Mutex::default(), mappings: AtomicU64::new(0) })
    }

    /// The region of a key, which may know of no value yet.
    pub fn region(&self, key: &str) -> Result<Arc<Region>, Fault> {
        let mut table = self.table();
        let count = table.len();
        let region = match table.entry(key.into()) {
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(_) if count >= self.limits.regions_max => {
                let max = self.limits.regions_max;
                return Err(Fault::new("ERR_QUOTA", format!("state on this host would have more than {max} keys")));
            }
            Entry::Vacant(entry) => entry.insert(Arc::new(Region::new(key, &self.budget))).clone(),
        };
        region.note_use(engine::ticks());
        Ok(region)
    }

    pub fn find(&self, key: &str) -> Option<Arc<Region>> {
        self.table().get(key).cloned()
    }

    pub fn list(&self) -> Vec<RegionStat> {
        let regions: Vec<_> = self.table().values().cloned().collect();
        regions.iter().map(|region| region.stat()).filter(|stat| stat.is_known).collect()
    }

    /// Takes a region out when nothing is lost by it and nobody uses it. True when there is none of the key afterwards.
    pub fn drop_clean(&self, key: &str) -> Result<bool, Fault> {
        let Some(region) = self.find(key) else { return Ok(true) };
        // Finds out what is unchanged, which may take its time, before the table is held.
        region.hashes()?;
        let mut table = self.table();
        if region.try_detach() {
            Self::remove(&mut table, &region);
        }
        Ok(!table.contains_key(key))
    }

    /// Takes a region out, whatever is in it. Faaslets that have it mapped keep their pages until their calls have ended.
    pub fn drop_any(&self, key: &str) {
        let mut table = self.table();
        if let Some(region) = table.remove(key) {
            region.force_detach();
        }
    }

    /// Takes out what holds nothing.
    pub fn tidy(&self, region: &Arc<Region>) {
        if !region.is_known() {
            let mut table = self.table();
            if region.try_detach() {
                Self::remove(&mut table, region);
            }
        }
    }

    pub fn mappings(&self) -> u64 {
        self.mappings.load(Ordering::Relaxed)
    }

    pub(super) fn take_mapping(&self) -> Result<(), Fault> {
        let max = self.limits.mappings_max;
        let fits = |used: u64| (used < max).then_some(used + 1);
        let taken = self.mappings.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        taken.map(drop).map_err(|_| Fault::capacity("a mapping of a state region", format!("{max} are there already")))
    }

    pub(super) fn give_mapping_back(&self) {
        self.mappings.fetch_sub(1, Ordering::Relaxed);
    }

    fn remove(table: &mut HashMap<Box<str>, Arc<Region>>, region: &Arc<Region>) {
        if table.get(&region.key).is_some_and(|other| Arc::ptr_eq(other, region)) {
            table.remove(&region.key);
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Region>>> {
        // A map of pointers is whole whatever panicked.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
