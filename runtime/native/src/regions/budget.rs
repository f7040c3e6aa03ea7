//! What the regions of a group may take: memory and mappings.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::CHUNK;
use crate::fault::Fault;

/// Counts the memory of all regions of a group, in chunks: those of values and the copies that are kept of them.
#[derive(Debug)]
pub struct Budget {
    used: AtomicU64,
    max: u64,
}

impl Budget {
    pub fn new(bytes_max: u64) -> Arc<Self> {
        Arc::new(Self { used: AtomicU64::new(0), max: bytes_max / CHUNK })
    }

    pub fn used_bytes(&self) -> u64 {
        self.used.load(Ordering::Relaxed) * CHUNK
    }

    /// Takes room for so many chunks, or nothing.
    pub fn take(&self, chunks: u64) -> Result<(), Fault> {
        let fits = |used: u64| used.checked_add(chunks).filter(|used| *used <= self.max);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits) {
            Ok(_) => Ok(()),
            Err(_) => Err(Fault::new(
                "ERR_QUOTA",
                format!("state on this host would take more than its {} bytes of memory", self.max * CHUNK),
            )),
        }
    }

    pub fn give_back(&self, chunks: u64) {
        self.used.fetch_sub(chunks, Ordering::Relaxed);
    }
}

/// A copy of a chunk's bytes; gives its room back when it goes.
#[derive(Debug)]
pub struct Kept {
    bytes: Box<[u8]>,
    budget: Arc<Budget>,
}

impl Kept {
    pub fn new(bytes: &[u8], budget: &Arc<Budget>) -> Result<Self, Fault> {
        budget.take(1)?;
        Ok(Self { bytes: bytes.into(), budget: budget.clone() })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.budget.give_back(1);
    }
}
