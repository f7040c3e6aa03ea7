//! A worker group's mechanism: functions, threads that run their calls, and a list of what ended.
//!
//! A running Faaslet has one of these threads; a guest never runs on a thread of the JavaScript runtime. What ended waits
//! in a list that one wake-up drains.

mod completion;
mod job;
mod jobs;
mod run;
mod threads;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use faaslet_wasi::{CallControl, Change, Interrupt};

use crate::engine::{self, Watch};
use crate::fault::Fault;
use crate::function::Function;
use crate::regions::{RegionLimits, Regions};
use crate::shared_files::FileCache;
use crate::slow::{Answer, Answers, HostCall, Owner, Trust};

pub use completion::{CallRecord, Completion, Installed, StartKind};
use job::RegionJob;
use job::Warm;
pub use job::{CallJob, Install, Job, PushSelection, RegionAnswer, RegionAsk, Stdio};
use threads::Queue;

/// Tells JavaScript that the list is no longer empty.
pub type Notify = Box<dyn Fn() + Send + Sync>;

/// Bytes of completions that cross to JavaScript at once, when there is more than one: the block that they cross in is there twice
/// for a moment, and a block of many gigabytes could not be had at all.
const BATCH_BYTES: usize = 64 << 20;

static OPEN_GROUPS: AtomicUsize = AtomicUsize::new(0);
static OPEN_THREADS: AtomicUsize = AtomicUsize::new(0);

/// Groups that exist in the process.
pub fn open_groups() -> usize {
    OPEN_GROUPS.load(Ordering::SeqCst)
}

/// Threads of all groups.
pub fn open_threads() -> usize {
    OPEN_THREADS.load(Ordering::SeqCst)
}

/// Everything that belongs to one `open()`.
pub struct Group {
    functions: Mutex<HashMap<u32, Arc<Function>>>,
    calls: Mutex<HashMap<u32, Arc<CallSlot>>>,
    /// Installations, by the function's id: their initialisers are ended by a close.
    installs: Mutex<HashMap<u32, Arc<CallSlot>>>,
    queue: Mutex<Queue>,
    /// Set for the thread that looks out.
    has_jobs: AtomicBool,
    threads_max: usize,
    /// Threads that exist although nothing runs.
    threads_kept: usize,
    done: Mutex<Vec<Completion>>,
    announced: AtomicBool,
    /// Ticks since the list was announced and not drained.
    undrained: AtomicU32,
    notify: Mutex<Option<Notify>>,
    changes: Mutex<HashMap<u32, Vec<Change>>>,
    pub shared_files: Arc<FileCache>,
    pub trust: Arc<Trust>,
    pub counters: Counters,
    /// State of the group's tenant, as far as it is on this host.
    pub regions: Arc<Regions>,
}

/// Since the group was opened.
#[derive(Default)]
pub struct Counters {
    pub restored: AtomicU64,
    pub resets: AtomicU64,
    /// Time of all resets, nanoseconds.
    pub reset_ns: AtomicU64,
    pub discarded: AtomicU64,
    /// Jobs that a thread took; the watch sees a stall when it stands still while jobs wait.
    started: AtomicU64,
    seen: AtomicU64,
}

/// A call between its submission and its end, so that it can be cancelled at any moment of it.
#[derive(Default)]
pub struct CallSlot {
    state: Mutex<SlotState>,
    /// To the call's slow host calls.
    answers: Arc<Answers>,
}

#[derive(Default)]
struct SlotState {
    cancelled: bool,
    running: Option<Arc<CallControl>>,
}

impl Group {
    pub fn open(threads_max: usize, limits: RegionLimits, notify: Notify) -> Result<Arc<Self>, Fault> {
        engine::start_ticker()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads_kept = cores.min(threads_max.max(1));
        let group = Arc::new(Self {
            queue: Mutex::new(Queue::new(threads_kept)),
            has_jobs: AtomicBool::new(false),
            functions: Mutex::default(),
            calls: Mutex::default(),
            installs: Mutex::default(),
            threads_max: threads_max.max(1),
            threads_kept,
            done: Mutex::default(),
            announced: AtomicBool::new(false),
            undrained: AtomicU32::new(0),
            notify: Mutex::new(Some(notify)),
            changes: Mutex::default(),
            shared_files: Arc::default(),
            trust: Arc::default(),
            counters: Counters::default(),
            regions: Regions::new(limits),
        });
        OPEN_GROUPS.fetch_add(1, Ordering::SeqCst);
        engine::watch(Arc::downgrade(&group) as std::sync::Weak<dyn Watch>)?;
        Ok(group)
    }

    /// Loads a function and makes its Proto-Faaslet, on a thread of the group.
    pub fn install(self: &Arc<Self>, install: Install) -> Result<(), Fault> {
        let id = install.id;
        if lock(&self.installs)?.insert(id, Arc::default()).is_some() {
            return Err(Fault::bug("two installations of one id"));
        }
        self.submit(Job::Install(Box::new(install))).inspect_err(|_| self.forget_install(id))
    }

    /// Runs a call; true when `wake` has to follow. The function is looked up now: a removal that follows does not touch this
    /// call.
    pub fn call(self: &Arc<Self>, function: u32, make: impl FnOnce(Arc<Function>) -> CallJob) -> Result<bool, Fault> {
        let function = self.function(function)?;
        let job = make(function);
        if lock(&self.calls)?.insert(job.id, job.slot.clone()).is_some() {
            return Err(Fault::bug("two running calls of one id"));
        }
        let id = job.id;
        self.submit_quietly(Job::Call(Box::new(job))).inspect_err(|_| self.forget(id))
    }

    /// Restores Faaslets of a function until so many are idle, on a thread of the group.
    pub fn warm(self: &Arc<Self>, id: u32, function: u32, idle: usize) -> Result<(), Fault> {
        let function = self.function(function)?;
        self.submit(Job::Warm(Warm { id, function, idle }))
    }

    /// Asks something of a region, on a thread of the group.
    pub fn ask_region(self: &Arc<Self>, id: u32, ask: RegionAsk) -> Result<(), Fault> {
        self.submit_first(Job::Region(Box::new(RegionJob { id, ask })))
    }

    /// Ends a call as cancelled, queued or running. Nothing happens when it has ended.
    pub fn cancel(&self, id: u32) {
        let slot = lock(&self.calls).ok().and_then(|calls| calls.get(&id).cloned());
        if let Some(slot) = slot {
            slot.cancel();
        }
    }

    /// Answers a slow host call; nothing happens when its call has ended.
    pub fn answer(&self, id: u32, ticket: u32, answer: Answer) {
        let slot = lock(&self.calls).ok().and_then(|calls| calls.get(&id).cloned());
        let Some(slot) = slot else { return };
        slot.answers.put(ticket, answer);
        let running = slot.state.lock().ok().and_then(|state| state.running.clone());
        if let Some(control) = running {
            control.notify();
        }
    }

    pub fn remove(&self, function: u32) -> Result<(), Fault> {
        let removed = lock(&self.functions)?.remove(&function);
        let removed = removed.ok_or_else(|| Fault::new("ERR_NOT_FOUND", "no such function in the group"))?;
        removed.retire();
        Ok(())
    }

    pub fn function(&self, id: u32) -> Result<Arc<Function>, Fault> {
        let functions = lock(&self.functions)?;
        functions.get(&id).cloned().ok_or_else(|| Fault::new("ERR_NOT_FOUND", "no such function in the group"))
    }

    /// Functions, idle Faaslets, threads, calls.
    pub fn census(&self) -> Result<(usize, usize, usize, usize), Fault> {
        let functions: Vec<_> = lock(&self.functions)?.values().cloned().collect();
        let idle = functions.iter().map(|function| function.idle_count()).sum();
        let threads = lock(&self.queue)?.threads;
        Ok((functions.len(), idle, threads, lock(&self.calls)?.len()))
    }

    /// What ended since the last time; of much, a part, and the rest announces itself.
    pub fn drain(&self) -> Result<Vec<Completion>, Fault> {
        // Before the list is taken: what is added afterwards announces itself again.
        self.announced.store(false, Ordering::SeqCst);
        let mut done = lock(&self.done)?;
        let mut bytes = 0;
        let fits = done.iter().take_while(|completion| {
            let is_first = bytes == 0;
            bytes += completion.bytes();
            is_first || bytes <= BATCH_BYTES
        });
        let count = fits.count();
        let rest = done.split_off(count);
        let batch = std::mem::replace(&mut *done, rest);
        let has_more = !done.is_empty();
        drop(done);
        if has_more && !self.announced.swap(true, Ordering::SeqCst) {
            self.undrained.store(0, Ordering::Relaxed);
            self.announce();
        }
        Ok(batch)
    }

    pub fn take_changes(&self, call: u32) -> Vec<Change> {
        lock(&self.changes).ok().and_then(|mut changes| changes.remove(&call)).unwrap_or_default()
    }

    /// Cancels everything; the last thread to end adds `Completion::Closed`.
    pub fn close(&self) -> Result<(), Fault> {
        let mut queue = lock(&self.queue)?;
        if queue.closing {
            return Ok(());
        }
        // First: what is submitted from now on is refused, so that nothing escapes the cancelling.
        queue.closing = true;
        let alone = queue.threads == 0;
        queue.dismiss();
        drop(queue);
        for slot in lock(&self.calls)?.values().chain(lock(&self.installs)?.values()) {
            slot.cancel();
        }
        if alone {
            self.closed();
        }
        Ok(())
    }

    /// Lets go of JavaScript: no wake-up after it.
    pub fn release(&self) {
        if let Ok(mut notify) = self.notify.lock() {
            *notify = None;
        }
    }

    fn closed(&self) {
        let functions = lock(&self.functions).map(|mut functions| std::mem::take(&mut *functions));
        for function in functions.unwrap_or_default().into_values() {
            function.retire();
        }
        self.complete(Completion::Closed);
    }

    fn complete(&self, completion: Completion) {
        if let Ok(mut done) = self.done.lock() {
            done.push(completion);
        }
        if !self.announced.swap(true, Ordering::SeqCst) {
            self.undrained.store(0, Ordering::Relaxed);
            // Keeps the ticker awake, which looks after the announcement.
            let _running = engine::Running::start();
            self.announce();
        }
    }

    fn announce(&self) {
        if let Ok(notify) = self.notify.lock()
            && let Some(notify) = &*notify
        {
            notify();
        }
    }

    /// Announces again what nobody drained: the JavaScript runtime loses a wake-up once in a hundred thousand (measured with
    /// Deno 2.9), and would wait for ever. An extra one costs an empty drain.
    fn announce_again(&self) {
        const PATIENCE_TICKS: u32 = 2;
        if self.announced.load(Ordering::SeqCst) && self.undrained.fetch_add(1, Ordering::Relaxed) >= PATIENCE_TICKS {
            self.undrained.store(0, Ordering::Relaxed);
            self.announce();
        }
    }

    fn forget_install(&self, function: u32) {
        if let Ok(mut installs) = self.installs.lock() {
            installs.remove(&function);
        }
    }

    fn forget(&self, call: u32) {
        if let Ok(mut calls) = self.calls.lock() {
            calls.remove(&call);
        }
    }
}

impl Owner for Group {
    fn ask(&self, call: HostCall) {
        self.complete(Completion::Asked(Box::new(call)));
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        OPEN_GROUPS.fetch_sub(1, Ordering::SeqCst);
    }
}

impl CallSlot {
    fn cancel(&self) {
        if let Ok(mut state) = self.state.lock() {
            state.cancelled = true;
            if let Some(control) = &state.running {
                control.interrupt(Interrupt::Cancelled);
            }
        }
    }

    /// From now on a cancel reaches the Faaslet. False when it came already.
    fn attach(&self, control: &Arc<CallControl>) -> bool {
        match self.state.lock() {
            Ok(mut state) if !state.cancelled => {
                state.running = Some(control.clone());
                true
            }
            _ => false,
        }
    }

    /// A cancel that comes later must not hit the Faaslet's next call.
    fn detach(&self) {
        if let Ok(mut state) = self.state.lock() {
            state.running = None;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> Result<std::sync::MutexGuard<'_, T>, Fault> {
    mutex.lock().map_err(|_| Fault::bug("a lock is poisoned"))
}
