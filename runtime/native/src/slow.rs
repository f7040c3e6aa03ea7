//! Slow host calls: what a guest asks of the rest of the program. A request goes out with the completions, under a ticket;
//! its answer comes in whenever it is there, and the guest's thread waits for it only when the guest needs it.
//!
//! Nothing here knows what a request means: an operation is a number, and `native/host_calls.ts` has their names.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use faaslet_wasi::{CallControl, ClientConfig, Ended};

use crate::fault::Fault;

/// A request, on its way out.
#[derive(Debug)]
pub struct HostCall {
    /// The call that asks.
    pub call: u32,
    /// Names the answer; 1, 2, 3 ... within the call.
    pub ticket: u32,
    pub operation: Operation,
    pub numbers: [u64; NUMBERS],
    /// A name, a key or a path.
    pub text: Vec<u8>,
    pub bytes: Vec<u8>,
}

/// Numbers that a request carries.
pub const NUMBERS: usize = 4;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A call of the function that `text` names, or of the asking one when it is empty, with `bytes` as its input; the
    /// first number is what the called one may ask for as its index.
    Chain = 0,
    /// A call of the asking function itself, entered at the table index that is the first number.
    ChainEntry = 1,
    /// The guest waits for the answer to this ticket: from now on it needs no place among the running calls.
    Await = 2,
    /// A file that the tenant's functions share, by its path: the answer's value is when it was written, milliseconds since
    /// 1970, 0 when it is not there and less when the store failed; its bytes are the digest under which it was offered.
    File = 3,
    /// State, by the key in `text`. Chunks of it are to be here: the first number is the first, the second how many; with none
    /// only what there is to know. A third number that is 1 asks for those that are here as well. The answer's value is 0
    /// when there is no such value.
    StatePull = 4,
    /// What changed goes to the global tier; `Push` in `host/state/sync.rs` says how.
    StatePush = 5,
    /// The version that the value here was made from, as eight bytes; 0 when there is none.
    StateVersion = 6,
    /// So many bytes are to be free for state.
    StateRoom = 7,
    StateAppend = 8,
    /// The first number says how many, the second how many bytes at most. The answer's value is how many there are.
    StateReadAppended = 9,
    StateClearAppended = 10,
    /// A global lock; the first number is 1 for writing.
    StateLock = 11,
    StateUnlock = 12,
    /// The addresses of a name: the answer's value is 0 and its bytes are lines, or 1 when there is none, or less when nobody
    /// could tell.
    Resolve = 13,
    /// Whom TLS believes: the answer's bytes are certificates as PEM.
    Roots = 14,
}

/// What came back.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub value: i64,
    pub bytes: Vec<u8>,
    /// The call ends with it.
    pub fault: Option<Fault>,
}

/// Takes requests.
pub trait Owner: Send + Sync {
    fn ask(&self, call: HostCall);
}

/// Answers that came in and were not fetched; shared by the guest's thread and whoever answers.
#[derive(Default)]
pub struct Answers(Mutex<HashMap<u32, Answer>>);

impl Answers {
    pub fn put(&self, ticket: u32, answer: Answer) {
        if let Ok(mut answers) = self.0.lock() {
            answers.insert(ticket, answer);
        }
    }

    fn has(&self, ticket: u32) -> bool {
        self.0.lock().is_ok_and(|answers| answers.contains_key(&ticket))
    }

    fn take(&self, ticket: u32) -> Option<Answer> {
        self.0.lock().ok()?.remove(&ticket)
    }
}

/// A running call's side: absent while nobody would answer, as in an initialiser.
#[derive(Clone)]
pub struct SlowCalls {
    pub owner: Weak<dyn Owner>,
    pub call: u32,
    pub answers: Arc<Answers>,
    pub control: Arc<CallControl>,
    pub last_ticket: Arc<AtomicU32>,
    /// The group's.
    pub trust: Arc<Trust>,
}

/// Whom TLS believes, once somebody asked: reading a few hundred certificates takes its time.
pub type Trust = OnceLock<Arc<ClientConfig>>;

impl SlowCalls {
    /// Sends a request; its ticket.
    pub fn ask(
        &mut self,
        operation: Operation,
        numbers: [u64; NUMBERS],
        text: Vec<u8>,
        bytes: Vec<u8>,
    ) -> Result<u32, Fault> {
        let ticket = self.last_ticket.fetch_add(1, Ordering::Relaxed).checked_add(1);
        let ticket = ticket.ok_or_else(|| Fault::bug("out of tickets"))?;
        self.send(HostCall { call: self.call, ticket, operation, numbers, text, bytes })?;
        Ok(ticket)
    }

    /// The answer to a ticket, waited for; says so first when it is `announced`.
    pub fn answer(&self, ticket: u32, announced: Option<Operation>) -> Result<Answer, wasmtime::Error> {
        if !self.answers.has(ticket) {
            if let Some(operation) = announced {
                let numbers = [0; NUMBERS];
                let (text, bytes) = (Vec::new(), Vec::new());
                let call = HostCall { call: self.call, ticket, operation, numbers, text, bytes };
                self.send(call).map_err(wasmtime::Error::new)?;
            }
            if let Some(why) = self.control.wait_for(|| self.answers.has(ticket)) {
                return Err(wasmtime::Error::new(Ended::Interrupted(why)));
            }
        }
        let answer = self.answers.take(ticket);
        let mut answer = answer.ok_or_else(|| wasmtime::Error::new(Fault::bug("an answer that is not there")))?;
        match answer.fault.take() {
            Some(fault) => Err(wasmtime::Error::new(fault)),
            None => Ok(answer),
        }
    }

    fn send(&self, call: HostCall) -> Result<(), Fault> {
        let owner = self.owner.upgrade().ok_or_else(|| Fault::bug("a call outlives its group"))?;
        owner.ask(call);
        Ok(())
    }
}
