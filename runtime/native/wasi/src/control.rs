//! How a running call is ended from outside: a word that guest code looks at on each tick, and that every wait in a host
//! function watches.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Why a call was ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    Cancelled,
    Deadline,
}

/// The error with which a host function ends a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// `proc_exit`.
    Exit(i32),
    Interrupted(Interrupt),
    /// The output is over its limit.
    OutputLimit,
    /// The guest needs an answer of the rest of the program, and nobody is there to give it: an initialiser has none.
    Unanswered,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exit(value) => write!(f, "exit with {value}"),
            Self::Interrupted(Interrupt::Cancelled) => f.write_str("cancelled"),
            Self::Interrupted(Interrupt::Deadline) => f.write_str("deadline passed"),
            Self::OutputLimit => f.write_str("output over its limit"),
            Self::Unanswered => f.write_str("nobody answers"),
        }
    }
}

impl std::error::Error for Ended {}

const RUNS: u8 = 0;
const CANCELLED: u8 = 1;
const DEADLINE: u8 = 2;

/// Told when a call begins and ends to wait in a host function: its thread needs no processor meanwhile.
pub trait Waits: Send + Sync {
    fn begin(self: Arc<Self>);
    fn end(self: Arc<Self>);
}

/// One per Faaslet, used anew by each call.
pub struct CallControl {
    waits: Weak<dyn Waits>,
    state: AtomicU8,
    deadline: Mutex<Option<Instant>>,
    wake: Condvar,
}

impl CallControl {
    pub fn new(waits: Weak<dyn Waits>) -> Self {
        Self { waits, state: AtomicU8::new(RUNS), deadline: Mutex::default(), wake: Condvar::new() }
    }

    /// A new call begins.
    pub fn begin(&self, deadline: Option<Instant>) {
        *self.lock() = deadline;
        self.state.store(RUNS, Ordering::SeqCst);
    }

    /// Ends the call; the first reason stays.
    pub fn interrupt(&self, why: Interrupt) {
        let word = match why {
            Interrupt::Cancelled => CANCELLED,
            Interrupt::Deadline => DEADLINE,
        };
        // Under the lock, so that a wait that just looked at the word is woken.
        let _guard = self.lock();
        let _ = self.state.compare_exchange(RUNS, word, Ordering::SeqCst, Ordering::SeqCst);
        self.wake.notify_all();
    }

    /// Why the call has to end now, if it has to; also notices that the deadline has passed.
    pub fn check(&self) -> Option<Interrupt> {
        if let Some(why) = self.interrupted() {
            return Some(why);
        }
        let deadline = *self.lock();
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.interrupt(Interrupt::Deadline);
        }
        self.interrupted()
    }

    /// As `check`, without a look at the clock.
    pub fn interrupted(&self) -> Option<Interrupt> {
        match self.state.load(Ordering::Relaxed) {
            RUNS => None,
            CANCELLED => Some(Interrupt::Cancelled),
            _ => Some(Interrupt::Deadline),
        }
    }

    /// `check` as an error.
    pub fn go_on(&self) -> Result<(), Ended> {
        self.check().map_or(Ok(()), |why| Err(Ended::Interrupted(why)))
    }

    /// Waits until `time`, or until the call has to end.
    pub fn wait_until(&self, time: Instant) -> Option<Interrupt> {
        let _waiting = Waiting::begin(&self.waits);
        let mut deadline = self.lock();
        loop {
            if let Some(why) = self.interrupted() {
                return Some(why);
            }
            let now = Instant::now();
            if deadline.is_some_and(|deadline| now >= deadline) {
                let _ = self.state.compare_exchange(RUNS, DEADLINE, Ordering::SeqCst, Ordering::SeqCst);
                return self.interrupted();
            }
            if now >= time {
                return None;
            }
            let until = deadline.map_or(time, |deadline| deadline.min(time));
            deadline = match self.wake.wait_timeout(deadline, until - now) {
                Ok((guard, _)) => guard,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Waits until `is_ready`, which whoever makes it so follows with `notify`, or until the call has to end.
    pub fn wait_for(&self, is_ready: impl Fn() -> bool) -> Option<Interrupt> {
        let _waiting = Waiting::begin(&self.waits);
        let mut deadline = self.lock();
        loop {
            if let Some(why) = self.interrupted() {
                return Some(why);
            }
            if is_ready() {
                return None;
            }
            let now = Instant::now();
            if deadline.is_some_and(|deadline| now >= deadline) {
                let _ = self.state.compare_exchange(RUNS, DEADLINE, Ordering::SeqCst, Ordering::SeqCst);
                return self.interrupted();
            }
            deadline = match *deadline {
                Some(end) => match self.wake.wait_timeout(deadline, end - now) {
                    Ok((guard, _)) => guard,
                    Err(poisoned) => poisoned.into_inner().0,
                },
                None => self.wake.wait(deadline).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Lets a wait look again.
    pub fn notify(&self) {
        // Under the lock, so that a wait that just looked in vain is woken.
        let _guard = self.lock();
        self.wake.notify_all();
    }

    /// Waits until one of the descriptors is ready, until `time`, or until the call has to end. True for each ready one.
    /// Only `faaslet run` has descriptors: it looks at the word a few hundred times a second instead of holding one more.
    pub fn wait_fds(&self, fds: &[(BorrowedFd<'_>, PollFlags)], time: Option<Instant>) -> Result<Vec<bool>, Ended> {
        const SLICE: Duration = Duration::from_millis(5);
        let _waiting = Waiting::begin(&self.waits);
        loop {
            self.go_on()?;
            let left = time.map_or(SLICE, |time| time.saturating_duration_since(Instant::now()).min(SLICE));
            let mut polled: Vec<_> = fds.iter().map(|(fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
            let slice = Timespec { tv_sec: 0, tv_nsec: i64::from(left.subsec_nanos()) };
            let ready = poll(&mut polled, Some(&slice)).unwrap_or(0);
            let is_late = time.is_some_and(|time| Instant::now() >= time);
            if ready > 0 || is_late {
                return Ok(polled.iter().map(|polled| !polled.revents().is_empty()).collect());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        // The value is an instant: whole whatever panicked.
        self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait, from begin to end.
struct Waiting(Option<Arc<dyn Waits>>);

impl Waiting {
    fn begin(waits: &Weak<dyn Waits>) -> Self {
        let waits = waits.upgrade();
        if let Some(waits) = &waits {
            waits.clone().begin();
        }
        Self(waits)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(waits) = self.0.take() {
            waits.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Waits for Nobody {
        fn begin(self: Arc<Self>) {}
        fn end(self: Arc<Self>) {}
    }

    fn after(ms: u64) -> Instant {
        Instant::now() + Duration::from_millis(ms)
    }

    #[test]
    fn a_wait_ends_at_its_time_at_the_deadline_or_when_cancelled() {
        let control = Arc::new(CallControl::new(Weak::<Nobody>::new()));
        control.begin(Some(after(60_000)));
        assert_eq!(control.wait_until(after(5)), None);
        control.begin(Some(after(5)));
        assert_eq!(control.wait_until(after(60_000)), Some(Interrupt::Deadline));
        control.begin(Some(after(60_000)));
        let other = control.clone();
        let thread = std::thread::spawn(move || other.wait_until(after(60_000)));
        control.interrupt(Interrupt::Cancelled);
        assert_eq!(thread.join().ok(), Some(Some(Interrupt::Cancelled)));
        control.interrupt(Interrupt::Deadline);
        assert_eq!(control.check(), Some(Interrupt::Cancelled), "the first reason stays");
        control.begin(None);
        assert_eq!(control.check(), None, "and is gone with the next call");
    }

    #[test]
    fn a_wait_for_something_ends_when_it_is_there_or_the_call_has_to_end() {
        use std::sync::atomic::AtomicBool;
        let control = Arc::new(CallControl::new(Weak::<Nobody>::new()));
        control.begin(Some(after(60_000)));
        let there = Arc::new(AtomicBool::new(false));
        let (other, seen) = (control.clone(), there.clone());
        let thread = std::thread::spawn(move || other.wait_for(|| seen.load(Ordering::SeqCst)));
        control.notify();
        there.store(true, Ordering::SeqCst);
        control.notify();
        assert_eq!(thread.join().ok(), Some(None));
        control.begin(Some(after(5)));
        assert_eq!(control.wait_for(|| false), Some(Interrupt::Deadline));
        control.interrupt(Interrupt::Cancelled);
        assert_eq!(control.wait_for(|| true), Some(Interrupt::Deadline), "the first reason stays");
    }
}
