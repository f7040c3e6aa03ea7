//! What a thread of the group is asked to do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::completion::StartKind;
use crate::function::{Function, Settings};
use crate::state::ChainGrant;

pub enum Job {
    Install(Box<Install>),
    Call(Box<CallJob>),
    Warm(Warm),
}

impl Job {
    /// The id of the function that it is for.
    pub fn function(&self) -> u32 {
        match self {
            Self::Install(install) => install.settings.id,
            Self::Call(call) => call.function.settings.id,
            Self::Warm(warm) => warm.function.settings.id,
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
}

pub struct CallJob {
    /// Names the completion.
    pub id: u32,
    pub function: Arc<Function>,
    pub input: Arc<[u8]>,
    pub environment: Vec<(String, String)>,
    pub arguments: Vec<String>,
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
