//! The group's threads: as many as the machine has processors, more while calls block or run long, up to a cap.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Group, Job, OPEN_THREADS, lock, run};
use crate::engine::{THREAD_STACK, Watch};
use crate::fault::Fault;

/// A thread beyond the kept ones ends when there was nothing to do for so long.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// Jobs that no thread has taken, and the threads.
#[derive(Default)]
pub struct Queue {
    pub jobs: VecDeque<Job>,
    pub threads: usize,
    waiting: usize,
    pub closing: bool,
}

impl Group {
    pub(super) fn submit(self: &Arc<Self>, job: Job) -> Result<(), Fault> {
        let mut queue = lock(&self.queue)?;
        if queue.closing {
            return Err(Fault::new("ERR_DRAINING", "the worker group is closed"));
        }
        queue.jobs.push_back(job);
        if queue.waiting > 0 {
            drop(queue);
            self.work.notify_one();
            return Ok(());
        }
        if queue.threads < self.threads_kept {
            let spawned = self.spawn();
            queue.threads += usize::from(spawned.is_ok());
            if queue.threads == 0 {
                queue.jobs.pop_back();
                return spawned;
            }
        }
        Ok(())
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

    /// The next job; none when this thread is to end.
    fn next_job(&self) -> Option<Job> {
        let mut queue = lock(&self.queue).ok()?;
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                self.counters.started.fetch_add(1, Ordering::Relaxed);
                return Some(job);
            }
            if queue.closing {
                return None;
            }
            queue.waiting += 1;
            let (guard, timeout) = self.work.wait_timeout(queue, IDLE_MAX).ok()?;
            queue = guard;
            queue.waiting -= 1;
            if timeout.timed_out() && queue.jobs.is_empty() && queue.threads > self.threads_kept {
                return None;
            }
        }
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

impl Watch for Group {
    /// Jobs wait and none was started since the last tick: every thread is blocked or computes. More threads, so that the
    /// operating system shares the processors among all calls.
    fn tick(self: Arc<Self>) {
        let Ok(mut queue) = self.queue.try_lock() else { return };
        let started = self.counters.started.load(Ordering::Relaxed);
        let stalled = self.counters.seen.swap(started, Ordering::Relaxed) == started;
        if queue.jobs.is_empty() || !stalled || queue.closing || queue.waiting > 0 {
            return;
        }
        let wanted = queue.jobs.len().min(self.threads_max.saturating_sub(queue.threads));
        for _ in 0..wanted {
            if self.spawn().is_err() {
                break;
            }
            queue.threads += 1;
        }
    }
}
