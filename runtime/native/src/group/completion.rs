//! How a job ended; what JavaScript gets to see of it.

use super::job::RegionAnswer;
use crate::fault::Fault;
use crate::slow::HostCall;

/// One entry of the list that JavaScript drains.
pub enum Completion {
    Ended(Box<CallRecord>),
    Installed(u32, Outcome<Installed>),
    /// How many Faaslets are idle now.
    Warmed(u32, Outcome<usize>),
    /// A guest asks for something.
    Asked(Box<HostCall>),
    /// What was asked of a region.
    Region(u32, Outcome<RegionAnswer>),
    /// The group's last thread has ended.
    Closed,
}

impl Completion {
    /// About as many bytes as it crosses with, at least one.
    pub fn bytes(&self) -> usize {
        1 + match self {
            Self::Ended(record) => record.output.len() + record.head.len() + record.stdout.len() + record.stderr.len(),
            Self::Installed(_, Ok(installed)) => installed.log.len(),
            Self::Asked(call) => call.text.len() + call.bytes.len(),
            _ => 0,
        }
    }
}

pub type Outcome<T> = Result<T, Fault>;

/// How warm a Faaslet was; ordered from cold to warm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StartKind {
    Cold = 0,
    Proto = 1,
    Warm = 2,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Ok = 0,
    GuestError = 1,
    Trap = 2,
    Timeout = 3,
    Cancelled = 4,
    Refused = 5,
}

/// What a call produced and what it cost; times in microseconds.
pub struct CallRecord {
    pub id: u32,
    pub status: Status,
    pub return_value: i32,
    pub start: StartKind,
    pub queue_us: f64,
    pub start_us: f64,
    pub exec_us: f64,
    pub cpu_us: f64,
    pub memory_bytes: usize,
    pub output: Vec<u8>,
    /// Header lines that the guest set.
    pub head: Vec<u8>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub stdout_total: u64,
    pub stderr_total: u64,
    pub error: Option<Fault>,
}

/// What an installation cost and found; times in microseconds.
pub struct Installed {
    pub load_us: f64,
    pub init_us: f64,
    pub snapshot_us: f64,
    pub memory_bytes: usize,
    pub snapshot_bytes: usize,
    pub restored_each_call: bool,
    pub log: Vec<u8>,
    /// True when no initialiser ran: the Proto-Faaslet was read.
    pub is_from_snapshot: bool,
    /// Why the one that was to be read was not.
    pub snapshot_refused: Option<Fault>,
}

impl CallRecord {
    pub fn new(id: u32) -> Self {
        Self {
            id,
            status: Status::Refused,
            return_value: 0,
            start: StartKind::Warm,
            queue_us: 0.0,
            start_us: 0.0,
            exec_us: 0.0,
            cpu_us: 0.0,
            memory_bytes: 0,
            output: Vec::new(),
            head: Vec::new(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            stdout_total: 0,
            stderr_total: 0,
            error: None,
        }
    }
}
