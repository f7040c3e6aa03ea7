//! What a Faaslet's store holds: all that host functions work on.

use std::ptr::NonNull;
use std::sync::Arc;

use faaslet_wasi::{CallControl, Ended, Errno, MemoryView, Wasi, WasiHost};
use wasmtime::{Memory, ResourceLimiter, TypedFunc};

use crate::engine;
use crate::host::AnswerHead;
use crate::linking::Linking;
use crate::memory::{Blocks, Shape};
use crate::regions::RegionUse;
use crate::slow::SlowCalls;

/// One Faaslet's side of the host interface.
pub struct State {
    pub wasi: Wasi,
    pub control: Arc<CallControl>,
    /// `None` for a module without memory, and while the memory is being made.
    pub shape: Option<Arc<Shape>>,
    pub io: CallIo,
    pub chains: Chains,
    /// `None` while nobody would answer, as in an initialiser.
    pub slow: Option<SlowCalls>,
    pub limits: GuestLimits,
    /// Of all tables together.
    pub table_elements: usize,
    /// The engine's tick when a host function last looked at the deadline.
    pub seen_tick: u64,
    /// For growth by host functions.
    pub memory: Option<Memory>,
    /// What `mmap` and the break took of it.
    pub blocks: Arc<Blocks>,
    /// Linkers wrap the exports of a plain command in its constructors and destructors: none of them is called.
    pub has_wrapped_exports: bool,
    pub regions: RegionUse,
    /// Where host functions get memory from when the guest's run-time library does not expect growth by others.
    pub allocator: Option<TypedFunc<(u32, u32), u32>>,
    /// Of the last function with a C name that failed, and where the guest keeps its own copy.
    pub errno: Errno,
    pub errno_place: Option<u32>,
    pub linking: Linking,
    /// Whether a host function of state was ever called.
    pub has_used_state: bool,
}

/// Input and output of the running call.
pub struct CallIo {
    pub input: Arc<[u8]>,
    /// Set by `__faasm_write_output`.
    pub output: Option<Vec<u8>>,
    pub output_max: usize,
    /// Of the answer over HTTP.
    pub head: AnswerHead,
}

/// The running call's place among the calls that calls made.
#[derive(Default)]
pub struct Chains {
    /// What the call may still make.
    pub left: ChainGrant,
    /// The ticket behind each handle, which is its place here and one; 0 when it was awaited.
    pub tickets: Vec<u32>,
    /// What `__faasm_chain_this` said when it made this call.
    pub index: i32,
}

/// How many calls a call may make, and how many bytes of input it may give them in all.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChainGrant {
    pub calls: u32,
    pub bytes: usize,
}

/// What Wasmtime's limiter asks for.
#[derive(Clone, Copy)]
pub struct GuestLimits {
    pub memory_bytes: usize,
    /// Of all tables together.
    pub table_elements: usize,
}

impl WasiHost for State {
    fn wasi(&mut self) -> &mut Wasi {
        &mut self.wasi
    }

    fn memory(&self) -> MemoryView {
        match &self.shape {
            Some(shape) => MemoryView { base: shape.base(), len: shape.bytes() },
            None => MemoryView { base: NonNull::dangling(), len: 0 },
        }
    }

    fn go_on(&mut self) -> Result<(), Ended> {
        let tick = engine::ticks();
        if tick == self.seen_tick {
            return Ok(());
        }
        self.seen_tick = tick;
        self.control.go_on()
    }
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, _now: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= self.limits.memory_bytes)
    }

    fn table_growing(&mut self, now: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let all = self.table_elements.saturating_add(desired.saturating_sub(now));
        let fits = all <= self.limits.table_elements;
        if fits {
            self.table_elements = all;
        }
        Ok(fits)
    }
}
