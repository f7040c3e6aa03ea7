//! The group's threads. As many calls run at once as the machine has processors; a call that waits in a host function does
//! not count, and calls that compute for long get company, so that the operating system shares the processors among all.
//!
//! The thread that went idle last is woken first: its stack and the processor's caches are warm, and the others can end.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};
use std::thread::Thread;
use std::time::{Duration, Instant};

use faaslet_wasi::Waits;

use super::jobs::Jobs;
use super::{Group, Job, OPEN_THREADS, lock, run};
use crate::engine::{THREAD_STACK, Watch};
use crate::fault::Fault;

/// A thread beyond the kept ones ends when there was nothing to do for so long.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// Ticks without a start that make a stall: fewer happen when the operating system runs something else for its time slice.
const STALL_TICKS: u32 = 4;
/// Ticks without a stall after which the group lets one call fewer run at once.
const CALM_TICKS: u32 = 50;

/// How long a thread looks out for the next job before it goes idle.
const LOOK_OUT: Duration = Duration::from_micros(50);
/// A thread that took a call so short a time ago will soon be back for the next one: to wake another one costs as much as
/// several short calls, on the thread that has the most to do. When it is not back, the next tick wakes one.
const NEAR: Duration = Duration::from_micros(30);
/// Threads that may be added for jobs that come first.
const FIRST_THREADS: usize = 4;

/// Jobs that no thread has taken, and the threads.
pub struct Queue {
    jobs: Jobs,
    /// Short ones that guests wait for.
    first: VecDeque<Job>,
    /// Jobs of that kind that run.
    first_active: usize,
    pub threads: usize,
    /// Threads that run a job and do not wait in it.
    active: usize,
    /// Threads that may be active; grows when all of them compute for long.
    allowed: usize,
    calm: u32,
    /// Ticks for which jobs have waited and none was started.
    stalled: u32,
    idle: Vec<Seat>,
    /// A thread looks out for a job before it goes idle: it need not be woken.
    is_looked_out: bool,
    /// When a call was last taken.
    taken: Option<Instant>,
    pub closing: bool,
}

/// Where an idle thread waits.
#[derive(Clone)]
struct Seat {
    thread: Thread,
    called: Arc<AtomicBool>,
}

impl Queue {
    pub fn new(kept: usize) -> Self {
        Self {
            jobs: Jobs::default(),
            first: VecDeque::new(),
            first_active: 0,
            threads: 0,
            active: 0,
            allowed: kept,
            calm: 0,
            stalled: 0,
            idle: Vec::new(),
            is_looked_out: false,
            taken: None,
            closing: false,
        }
    }

    /// Whether the thread that looks out will take the job that comes now: it takes one.
    fn is_seen(&self) -> bool {
        self.is_looked_out && self.first.is_empty() && self.jobs.is_empty()
    }

    /// Whether some thread comes for the jobs that there are before another one would be awake.
    fn is_near(&self) -> bool {
        self.is_looked_out || (self.active > 0 && self.taken.is_some_and(|taken| taken.elapsed() < NEAR))
    }

    /// Wakes every idle thread, so that it sees that the group is closing.
    pub fn dismiss(&mut self) {
        for seat in std::mem::take(&mut self.idle) {
            self.active += 1;
            seat.call().unpark();
        }
    }
}

impl Seat {
    /// Under the queue's lock. The thread is woken by whoever gets it, best after the lock: it needs that first.
    fn call(self) -> Thread {
        self.called.store(true, Ordering::SeqCst);
        self.thread
    }
}

impl Group {
    /// Adds a job and sees to it that a thread takes it.
    pub(super) fn submit(self: &Arc<Self>, job: Job) -> Result<(), Fault> {
        if self.submit_quietly(job)? { self.wake() } else { Ok(()) }
    }

    /// Adds a job and wakes nobody, which is a system call; true when `wake` has to follow. Of a group without threads the first
    /// one is started here, so that whoever submits learns that there is none to be had.
    pub(super) fn submit_quietly(self: &Arc<Self>, job: Job) -> Result<bool, Fault> {
        let mut queue = lock(&self.queue)?;
        if queue.closing {
            return Err(Fault::new("ERR_DRAINING", "the worker group is closed"));
        }
        let is_seen = queue.is_seen();
        if is_seen {
            self.has_jobs.store(true, Ordering::Release);
        } else if queue.threads == 0 {
            self.add_thread(&mut queue)?;
        }
        // No thread looks for it before the lock is free.
        queue.jobs.push(job.function(), job);
        Ok(!is_seen && queue.active < queue.allowed && !queue.is_near())
    }

    /// Wakes as many threads as there are jobs that none of those at work will come to soon.
    pub fn wake(self: &Arc<Self>) -> Result<(), Fault> {
        let mut queue = lock(&self.queue)?;
        let on_their_way = queue.active + usize::from(queue.is_looked_out);
        let wanted = queue.jobs.len().min(queue.allowed.saturating_sub(on_their_way));
        let mut called = Vec::new();
        for _ in 0..wanted {
            match self.add_thread(&mut queue) {
                Ok(thread) => called.extend(thread),
                // One of the threads that there are will come to it.
                Err(_) => break,
            }
        }
        drop(queue);
        called.iter().for_each(Thread::unpark);
        Ok(())
    }

    /// A short job that guests wait for: before all others, and on a thread of its own whatever else runs, since those that run may
    /// be the ones that wait.
    pub(super) fn submit_first(self: &Arc<Self>, job: Job) -> Result<(), Fault> {
        let mut queue = lock(&self.queue)?;
        if queue.closing {
            return Err(Fault::new("ERR_DRAINING", "the worker group is closed"));
        }
        if queue.is_seen() {
            self.has_jobs.store(true, Ordering::Release);
            queue.first.push_back(job);
            return Ok(());
        }
        let is_enough = queue.first_active + queue.first.len() >= FIRST_THREADS;
        queue.first.push_back(job);
        if is_enough {
            return Ok(());
        }
        if let Some(seat) = queue.idle.pop() {
            queue.active += 1;
            let thread = seat.call();
            drop(queue);
            thread.unpark();
            return Ok(());
        }
        match self.spawn() {
            Ok(()) => {
                queue.threads += 1;
                queue.active += 1;
                Ok(())
            }
            Err(fault) => {
                queue.first.pop_back();
                Err(fault)
            }
        }
    }

    /// One more thread at work: an idle one, which the caller has to wake, or a new one while there is room.
    fn add_thread(self: &Arc<Self>, queue: &mut Queue) -> Result<Option<Thread>, Fault> {
        let called = queue.idle.pop().map(Seat::call);
        if called.is_none() {
            if queue.threads >= self.threads_max {
                return Ok(None);
            }
            self.spawn()?;
            queue.threads += 1;
        }
        queue.active += 1;
        Ok(called)
    }

    fn spawn(self: &Arc<Self>) -> Result<(), Fault> {
        let group = self.clone();
        std::thread::Builder::new()
            .name("faaslet".into())
            .stack_size(THREAD_STACK)
            .spawn(move || {
                let _counted = Counted::new();
                group.work();
            })
            .map(drop)
            .map_err(|e| Fault::capacity("a thread for a Faaslet", e))
    }

    fn work(self: Arc<Self>) {
        while let Some(job) = self.next_job() {
            if matches!(job, Job::Region(_)) {
                run::run(&self, job);
                if let Ok(mut queue) = self.queue.lock() {
                    queue.first_active -= 1;
                }
                continue;
            }
            if run::run(&self, job) == run::Thread::Spent {
                // Deep recursion touched megabytes of this thread's stack; a new thread gives them back.
                let respawned = lock(&self.queue).is_ok_and(|queue| !queue.closing) && self.spawn().is_ok();
                if respawned {
                    return;
                }
            }
        }
        let last = match lock(&self.queue) {
            Ok(mut queue) => {
                queue.threads -= 1;
                queue.closing && queue.threads == 0
            }
            Err(_) => false,
        };
        if last {
            self.closed();
        }
    }

    /// The next job; none when this thread is to end, which then counts as active no more.
    fn next_job(&self) -> Option<Job> {
        let mut queue = lock(&self.queue).ok()?;
        loop {
            if let Some(job) = queue.first.pop_front() {
                queue.first_active += 1;
                return Some(job);
            }
            if let Some(job) = queue.jobs.pop() {
                self.counters.started.fetch_add(1, Ordering::Relaxed);
                // Only while calls run does the ticker see to it that those which wait get a thread.
                if matches!(job, Job::Call(_)) {
                    queue.taken = Some(Instant::now());
                }
                return Some(job);
            }
            queue.active -= 1;
            if queue.closing {
                return None;
            }
            if !queue.is_looked_out && self.threads_kept > 1 {
                queue = self.look_out(queue)?;
                if !queue.first.is_empty() || !queue.jobs.is_empty() {
                    queue.active += 1;
                    continue;
                }
                if queue.closing {
                    return None;
                }
            }
            let seat = Seat { thread: std::thread::current(), called: Arc::default() };
            queue.idle.push(seat.clone());
            drop(queue);
            let until = Instant::now() + IDLE_MAX;
            while !seat.called.load(Ordering::SeqCst) && Instant::now() < until {
                std::thread::park_timeout(IDLE_MAX);
            }
            queue = lock(&self.queue).ok()?;
            if !seat.called.load(Ordering::SeqCst) {
                // Nobody can call it any more: calls are made under the lock.
                queue.idle.retain(|other| !Arc::ptr_eq(&other.called, &seat.called));
                if queue.threads > self.threads_kept {
                    return None;
                }
                queue.active += 1;
            }
        }
    }
}

impl Group {
    /// Waits a moment for the next job without going to sleep. To wake a thread costs 20 us where an idle processor has to be
    /// started by a hypervisor, and calls that follow one another closely are the usual case.
    fn look_out<'a>(&'a self, mut queue: MutexGuard<'a, Queue>) -> Option<MutexGuard<'a, Queue>> {
        queue.is_looked_out = true;
        self.has_jobs.store(false, Ordering::Relaxed);
        drop(queue);
        let until = Instant::now() + LOOK_OUT;
        while !self.has_jobs.load(Ordering::Acquire) && Instant::now() < until {
            std::thread::yield_now();
        }
        let mut queue = lock(&self.queue).ok()?;
        queue.is_looked_out = false;
        Some(queue)
    }
}

/// Counts a thread for as long as it lives.
struct Counted(());

impl Counted {
    fn new() -> Self {
        OPEN_THREADS.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        OPEN_THREADS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A wait in a host function frees the processor, so another call may run meanwhile.
impl Waits for Group {
    fn begin(self: Arc<Self>) {
        let Ok(mut queue) = self.queue.lock() else { return };
        queue.active -= 1;
        if !queue.jobs.is_empty()
            && queue.active < queue.allowed
            && let Ok(Some(thread)) = self.add_thread(&mut queue)
        {
            thread.unpark();
        }
    }

    fn end(self: Arc<Self>) {
        if let Ok(mut queue) = self.queue.lock() {
            queue.active += 1;
        }
    }
}

impl Watch for Group {
    /// What an idle Faaslet holds of a former call is worth its memory only while calls keep coming.
    fn cool(self: Arc<Self>) {
        let functions: Vec<_> = lock(&self.functions).map(|all| all.values().cloned().collect()).unwrap_or_default();
        functions.iter().for_each(|function| function.cool());
    }

    /// Jobs wait and none was started for some ticks: every thread computes. Then twice as many may.
    fn tick(self: Arc<Self>) {
        self.announce_again();
        let Ok(mut queue) = self.queue.try_lock() else { return };
        if !queue.jobs.is_empty() && queue.active < queue.allowed && !queue.is_near() {
            drop(queue);
            // There will be another tick.
            let _ = self.wake();
            return;
        }
        let started = self.counters.started.load(Ordering::Relaxed);
        let stands_still = self.counters.seen.swap(started, Ordering::Relaxed) == started;
        if !stands_still || queue.jobs.is_empty() || queue.closing {
            queue.stalled = 0;
            queue.calm += 1;
            if queue.calm >= CALM_TICKS && queue.allowed > self.threads_kept {
                queue.allowed -= 1;
            }
            return;
        }
        queue.calm = 0;
        queue.stalled += 1;
        if queue.stalled < STALL_TICKS {
            return;
        }
        queue.stalled = 0;
        let useful = queue.active + queue.jobs.len();
        queue.allowed = (queue.allowed * 2).min(useful).min(self.threads_max).max(queue.allowed);
        while queue.active < queue.allowed {
            let before = queue.active;
            match self.add_thread(&mut queue) {
                Ok(Some(thread)) => thread.unpark(),
                Ok(None) if queue.active > before => {}
                _ => break,
            }
        }
    }
}
