//! What a thread of the group is asked to do.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::CallSlot;
use super::completion::StartKind;
use crate::fault::Fault;
use crate::function::{Function, Settings};
use crate::regions::{Changes, Regions, Selection};
use crate::state::ChainGrant;

pub enum Job {
    Install(Box<Install>),
    Call(Box<CallJob>),
    Warm(Warm),
    Region(Box<RegionJob>),
}

/// Something that takes its time: it looks through a whole region.
pub struct RegionJob {
    /// Names the completion.
    pub id: u32,
    pub ask: RegionAsk,
}

pub enum RegionAsk {
    /// What of a region is here and as elsewhere.
    Hashes(String),
    BeginPush(String, PushSelection),
    /// Takes it out if nothing is lost by that.
    Drop(String),
}

/// What a push is to send.
pub struct PushSelection {
    /// Of chunks; everything without.
    pub ranges: Option<Vec<Range<u32>>>,
    /// The key of a mask.
    pub mask: Option<String>,
}

/// What was found out.
pub enum RegionAnswer {
    /// Nothing is known of the value.
    Nothing,
    Hashes(Vec<u8>),
    Changes(Changes),
    IsGone(bool),
}

impl RegionAsk {
    pub fn answer(&self, regions: &Regions) -> Result<RegionAnswer, Fault> {
        match self {
            Self::Hashes(key) => match regions.find(key) {
                Some(region) => region.hashes().map(RegionAnswer::Hashes),
                None => Ok(RegionAnswer::Nothing),
            },
            Self::BeginPush(key, PushSelection { ranges, mask }) => {
                let Some(region) = regions.find(key) else { return Ok(RegionAnswer::Nothing) };
                let mask = mask.as_ref().and_then(|key| regions.find(key));
                let selection = Selection { ranges: ranges.clone(), mask };
                let changes = region.begin_push(&selection);
                if changes.is_err() {
                    region.abort_push()?;
                }
                Ok(changes?.map_or(RegionAnswer::Nothing, RegionAnswer::Changes))
            }
            Self::Drop(key) => regions.drop_clean(key).map(RegionAnswer::IsGone),
        }
    }
}

impl Job {
    /// The id of the function that it is for.
    pub fn function(&self) -> u32 {
        match self {
            Self::Install(install) => install.settings.id,
            Self::Call(call) => call.function.settings.id,
            Self::Warm(warm) => warm.function.settings.id,
            // Of none: it comes before all of them.
            Self::Region(_) => 0,
        }
    }
}

/// Faaslets to have ready before anybody calls.
pub struct Warm {
    /// Names the completion.
    pub id: u32,
    pub function: Arc<Function>,
    pub idle: usize,
}

pub struct Install {
    /// Names the completion.
    pub id: u32,
    pub artefact: Vec<u8>,
    pub settings: Settings,
    /// A Proto-Faaslet that was written down before.
    pub snapshot: Option<Vec<u8>>,
}

pub struct CallJob {
    /// Names the completion.
    pub id: u32,
    pub function: Arc<Function>,
    /// How it is reached while it waits and runs.
    pub slot: Arc<CallSlot>,
    pub input: Arc<[u8]>,
    /// Entries, each ended by NUL.
    pub environment: String,
    pub arguments: String,
    pub timeout: Duration,
    pub submitted: Instant,
    /// At most as warm as this.
    pub warmest: StartKind,
    pub stdio: Stdio,
    pub chains: ChainGrant,
    /// Enters at this index of the module's first table.
    pub table_entry: Option<u32>,
    /// What `__faasm_get_idx` gives.
    pub index: i32,
}

/// Where a call's standard streams lead.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stdio {
    /// Input is the call's, output is kept with it.
    Kept,
    /// The process's own descriptors 0, 1 and 2, raw; changed files are kept for whoever asks.
    Inherited,
}
