//! Files that a tenant's functions share, once for the whole group: by digest, so that a new version is another file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use faaslet_wasi::{Ended, NotFound, SharedBytes, SharedFiles};

use crate::fault::Fault;
use crate::slow::{NUMBERS, Operation, SlowCalls};

/// Bytes that are kept although no call has them open; what was used longest ago goes first.
const IDLE_BYTES_MAX: usize = 1 << 30;
/// How often a file is asked for again that went between the answer and the look.
const TRIES: usize = 3;

/// What was offered.
#[derive(Default)]
pub struct FileCache(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    files: HashMap<String, (Arc<SharedBytes>, u64)>,
    bytes: usize,
    uses: u64,
}

impl FileCache {
    pub fn holds(&self, digest: &str) -> bool {
        self.get(digest).is_some()
    }

    pub fn offer(&self, digest: String, bytes: &[u8]) -> Result<(), Fault> {
        let shared = SharedBytes::new(bytes).map_err(|e| Fault::capacity("a shared file", e))?;
        let mut kept = self.0.lock().map_err(|_| Fault::bug("a lock is poisoned"))?;
        kept.uses += 1;
        let now = kept.uses;
        if kept.files.insert(digest, (Arc::new(shared), now)).is_none() {
            kept.bytes += bytes.len();
        }
        kept.trim();
        Ok(())
    }

    fn get(&self, digest: &str) -> Option<Arc<SharedBytes>> {
        let mut kept = self.0.lock().ok()?;
        kept.uses += 1;
        let now = kept.uses;
        let (bytes, used) = kept.files.get_mut(digest)?;
        *used = now;
        Some(bytes.clone())
    }
}

impl Kept {
    fn trim(&mut self) {
        while self.bytes > IDLE_BYTES_MAX {
            let idle = self.files.iter().filter(|(_, (bytes, _))| Arc::strong_count(bytes) == 1);
            let Some(oldest) = idle.min_by_key(|(_, (_, used))| *used).map(|(digest, _)| digest.clone()) else {
                return;
            };
            if let Some((bytes, _)) = self.files.remove(&oldest) {
                self.bytes -= bytes.as_slice().len();
            }
        }
    }
}

/// A call's way to them.
pub struct Finder {
    pub slow: SlowCalls,
    pub cache: Arc<FileCache>,
}

impl SharedFiles for Finder {
    fn find(&mut self, path: &str) -> Result<Option<(Arc<SharedBytes>, u64)>, NotFound> {
        for _ in 0..TRIES {
            let asked = self.slow.ask(Operation::File, [0; NUMBERS], path.as_bytes().to_vec(), Vec::new());
            let ticket = asked.map_err(|_| NotFound::Broken)?;
            let answer = self.slow.answer(ticket, None).map_err(|error| match error.downcast_ref::<Ended>() {
                Some(ended) => NotFound::Ended(*ended),
                None => NotFound::Broken,
            })?;
            if answer.value == 0 {
                return Ok(None);
            }
            let modified = u64::try_from(answer.value).map_err(|_| NotFound::Broken)?;
            if let Some(bytes) = self.cache.get(&String::from_utf8_lossy(&answer.bytes)) {
                return Ok(Some((bytes, modified.saturating_mul(1_000_000))));
            }
        }
        Err(NotFound::Broken)
    }
}

/// An initialiser's: there is nobody to ask.
pub struct Nobody;

impl SharedFiles for Nobody {
    fn find(&mut self, _path: &str) -> Result<Option<(Arc<SharedBytes>, u64)>, NotFound> {
        Err(NotFound::Ended(Ended::Unanswered))
    }
}
