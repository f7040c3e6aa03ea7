//! A local lock: read or write, for whole calls of guests. Free, it is one compare-and-swap.
//!
//! Strictly in order of arrival: who comes while somebody waits, waits behind. So a writer waits for those that held the lock
//! when it came and those that waited already, however many readers follow; readers that stand together enter together.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use faaslet_wasi::{CallControl, Interrupt};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Read = 0,
    Write = 1,
}

const WRITER: u32 = 1 << 31;
/// Somebody waits: the lock changes hands under the queue's mutex only.
const QUEUED: u32 = 1 << 30;
/// The region is gone, and its lock with it.
const GONE: u32 = 1 << 29;
const READERS: u32 = GONE - 1;

#[derive(Default)]
pub struct Lock {
    word: AtomicU32,
    queue: Mutex<VecDeque<Arc<Waiter>>>,
}

struct Waiter {
    mode: Mode,
    granted: AtomicBool,
    control: Arc<CallControl>,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    Taken,
    Busy,
    /// The region is not in the table any more: look it up again.
    Gone,
}

impl Lock {
    /// Takes the lock if nobody has to be waited for.
    pub fn try_take(&self, mode: Mode) -> Attempt {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let next = match mode {
                _ if word & GONE != 0 => return Attempt::Gone,
                Mode::Read if word & (WRITER | QUEUED) == 0 && word < READERS => word + 1,
                Mode::Write if word == 0 => WRITER,
                _ => return Attempt::Busy,
            };
            match self.word.compare_exchange_weak(word, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Attempt::Taken,
                Err(now) => word = now,
            }
        }
    }

    /// Waits for the lock, or until the call has to end.
    pub fn wait(&self, mode: Mode, control: &Arc<CallControl>) -> Result<Attempt, Interrupt> {
        let waiter = Arc::new(Waiter { mode, granted: AtomicBool::new(false), control: control.clone() });
        {
            let mut queue = self.queue();
            // First, so that whoever releases from now on looks into the queue.
            if self.word.fetch_or(QUEUED, Ordering::AcqRel) & GONE != 0 {
                return Ok(Attempt::Gone);
            }
            queue.push_back(waiter.clone());
            self.admit(&mut queue);
        }
        let Some(why) = control.wait_for(|| waiter.granted.load(Ordering::Acquire)) else { return Ok(Attempt::Taken) };
        let mut queue = self.queue();
        queue.retain(|other| !Arc::ptr_eq(other, &waiter));
        if waiter.granted.load(Ordering::Acquire) {
            self.leave(mode);
        }
        // Whoever stood behind may be next now.
        self.admit(&mut queue);
        Err(why)
    }

    pub fn release(&self, mode: Mode) {
        let before = self.leave(mode);
        if before & QUEUED != 0 && (mode == Mode::Write || before & READERS == 1) {
            let mut queue = self.queue();
            self.admit(&mut queue);
        }
    }

    /// Ends the lock for good, unless somebody holds or wants it.
    pub fn try_close(&self) -> bool {
        self.word.compare_exchange(0, GONE, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    fn leave(&self, mode: Mode) -> u32 {
        match mode {
            Mode::Read => self.word.fetch_sub(1, Ordering::Release),
            Mode::Write => self.word.fetch_and(!WRITER, Ordering::Release),
        }
    }

    /// Lets those in who stand first, as long as they fit.
    fn admit(&self, queue: &mut VecDeque<Arc<Waiter>>) {
        while let Some(first) = queue.front() {
            let fits = |word: u32| match first.mode {
                Mode::Read if word & WRITER == 0 => Some(word + 1),
                Mode::Write if word == QUEUED => Some(QUEUED | WRITER),
                _ => None,
            };
            if self.word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, fits).is_err() {
                return;
            }
            if let Some(first) = queue.pop_front() {
                first.granted.store(true, Ordering::Release);
                first.control.notify();
            }
        }
        self.word.fetch_and(!QUEUED, Ordering::Relaxed);
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Arc<Waiter>>> {
        // A list of waiters is whole whatever panicked.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Weak;
    use std::sync::atomic::AtomicI64;
    use std::time::{Duration, Instant};

    use faaslet_wasi::Waits;

    struct Nobody;

    impl Waits for Nobody {
        fn begin(self: Arc<Self>) {}
        fn end(self: Arc<Self>) {}
    }

    fn control(timeout_ms: u64) -> Arc<CallControl> {
        let control = Arc::new(CallControl::new(Weak::<Nobody>::new()));
        control.begin(Some(Instant::now() + Duration::from_millis(timeout_ms)));
        control
    }

    fn take(lock: &Lock, mode: Mode, control: &Arc<CallControl>) -> Result<Attempt, Interrupt> {
        match lock.try_take(mode) {
            Attempt::Busy => lock.wait(mode, control),
            attempt => Ok(attempt),
        }
    }

    #[test]
    fn readers_share_and_a_writer_is_alone() {
        let lock = Lock::default();
        assert_eq!(lock.try_take(Mode::Read), Attempt::Taken);
        assert_eq!(lock.try_take(Mode::Read), Attempt::Taken);
        assert_eq!(lock.try_take(Mode::Write), Attempt::Busy);
        lock.release(Mode::Read);
        lock.release(Mode::Read);
        assert_eq!(lock.try_take(Mode::Write), Attempt::Taken);
        assert_eq!(lock.try_take(Mode::Read), Attempt::Busy);
        assert!(!lock.try_close());
        lock.release(Mode::Write);
        assert!(lock.try_close());
        assert_eq!(lock.try_take(Mode::Read), Attempt::Gone);
        assert_eq!(lock.wait(Mode::Write, &control(1_000)), Ok(Attempt::Gone));
    }

    #[test]
    fn who_gives_up_lets_those_behind_in() {
        let lock = Arc::new(Lock::default());
        assert_eq!(lock.try_take(Mode::Read), Attempt::Taken);
        let (patient, other) = (control(60_000), lock.clone());
        let writer = control(60_000);
        let (inner, waiting) = (writer.clone(), lock.clone());
        let first = std::thread::spawn(move || waiting.wait(Mode::Write, &inner));
        while lock.word.load(Ordering::SeqCst) & QUEUED == 0 {
            std::thread::yield_now();
        }
        let second = std::thread::spawn(move || take(&other, Mode::Read, &patient));
        while lock.queue().len() < 2 {
            std::thread::yield_now();
        }
        writer.interrupt(Interrupt::Cancelled);
        assert_eq!(first.join().ok(), Some(Err(Interrupt::Cancelled)));
        assert_eq!(second.join().ok(), Some(Ok(Attempt::Taken)));
        lock.release(Mode::Read);
        lock.release(Mode::Read);
        assert_eq!(lock.word.load(Ordering::SeqCst), 0);
    }

    /// H44: a stream of readers that never breaks off does not keep a writer out.
    #[test]
    fn a_writer_enters_after_those_that_were_there_before_it() {
        let lock = Arc::new(Lock::default());
        let ended = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (lock, ended) = (lock.clone(), ended.clone());
                std::thread::spawn(move || {
                    while !ended.load(Ordering::SeqCst) {
                        if take(&lock, Mode::Read, &control(60_000)) == Ok(Attempt::Taken) {
                            std::thread::yield_now();
                            lock.release(Mode::Read);
                        }
                    }
                })
            })
            .collect();
        for _ in 0..50 {
            assert_eq!(take(&lock, Mode::Write, &control(60_000)), Ok(Attempt::Taken));
            lock.release(Mode::Write);
        }
        ended.store(true, Ordering::SeqCst);
        assert!(readers.into_iter().all(|reader| reader.join().is_ok()));
        assert_eq!(lock.word.load(Ordering::SeqCst), 0);
    }

    /// Whatever the order of taking, giving up and releasing: never a writer beside anybody, and the lock ends free.
    #[test]
    fn nobody_is_beside_a_writer() {
        let lock = Arc::new(Lock::default());
        let inside = Arc::new(AtomicI64::new(0));
        let threads: Vec<_> = (0..6u64)
            .map(|seed| {
                let (lock, inside) = (lock.clone(), inside.clone());
                std::thread::spawn(move || {
                    let mut random = seed * 0x9e37_79b9 + 1;
                    for _ in 0..2_000 {
                        random ^= random << 13;
                        random ^= random >> 7;
                        random ^= random << 17;
                        let mode = if random % 3 == 0 { Mode::Write } else { Mode::Read };
                        // Some have no time at all.
                        let patience = if random % 7 == 0 { 0 } else { 60_000 };
                        if take(&lock, mode, &control(patience)) != Ok(Attempt::Taken) {
                            continue;
                        }
                        let step = if mode == Mode::Write { 1_000_000 } else { 1 };
                        let before = inside.fetch_add(step, Ordering::SeqCst);
                        assert!(if mode == Mode::Write { before == 0 } else { before < 1_000_000 });
                        inside.fetch_sub(step, Ordering::SeqCst);
                        lock.release(mode);
                    }
                })
            })
            .collect();
        assert!(threads.into_iter().all(|thread| thread.join().is_ok()));
        assert_eq!(lock.word.load(Ordering::SeqCst), 0);
    }
}
