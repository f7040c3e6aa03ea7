//! Descriptors and files of a Proto-Faaslet as plain values: what is written down of it, and read back on the same or on
//! another host.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::descriptors::StoredDescriptors;
use crate::files::{Files, GlobalFiles, StoredLayer};
use crate::settings::WasiSettings;
use crate::wasi::WasiSnapshot;

/// Descriptors and private files; the bytes of the files lie elsewhere.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredWasi {
    descriptors: StoredDescriptors,
    files: StoredLayer,
}

/// What cannot be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CannotStore(pub &'static str);

impl WasiSnapshot {
    /// The snapshot as values; the bytes of its files are added to `bytes`.
    pub fn store(&self, global: &GlobalFiles, bytes: &mut Vec<u8>) -> Result<StoredWasi, CannotStore> {
        let descriptors = self.descriptors.store()?;
        Ok(StoredWasi { descriptors, files: self.files.store(global, bytes)? })
    }
}

impl StoredWasi {
    /// The snapshot again; nothing when a Faaslet with these settings and files could not have made it.
    pub fn load(&self, settings: &WasiSettings, global: &Arc<GlobalFiles>, bytes: &[u8]) -> Option<WasiSnapshot> {
        let local = self.files.load(global, settings.quotas, bytes)?;
        let mut files = Files::new(global.clone(), settings.quotas);
        files.restore(&local);
        let descriptors = self.descriptors.load(settings.quotas.descriptors, &files)?;
        Some(WasiSnapshot { descriptors: Arc::new(descriptors), files: local })
    }
}
