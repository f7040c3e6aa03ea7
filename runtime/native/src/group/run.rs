//! What a thread does with a job. A panic in here ends the job with `ERR_BUG`, never the process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use faaslet_wasi::{Sink, SinkBuffer, Stdin, Waits, WhenFull};
use rustix::time::{ClockId, clock_gettime};

use super::completion::{CallRecord, Completion, Installed, StartKind, Status};
use super::job::Warm;
use super::{CallJob, Group, Install, Job, Stdio, lock};
use crate::artefact::{self, Artefact};
use crate::ending::Ending;
use crate::faaslet::{Asking, CallEnd, CallInput, Faaslet};
use crate::fault::Fault;
use crate::function::{Function, Settings};
use crate::linking::LibraryCode;
use crate::panics;
use crate::proto::{self, Proto};
use crate::slow::Owner;

/// Whether the thread may run another job.
#[derive(PartialEq, Eq)]
pub enum Thread {
    Good,
    Spent,
}

pub fn run(group: &Arc<Group>, job: Job) -> Thread {
    match job {
        Job::Install(install) => {
            let id = install.id;
            let outcome = guarded(|| self::install(group, *install));
            group.forget_install(id);
            group.complete(Completion::Installed(id, outcome));
            Thread::Good
        }
        Job::Call(job) => call(group, *job),
        Job::Warm(warm) => {
            let outcome = guarded(|| self::warm(group, &warm));
            group.complete(Completion::Warmed(warm.id, outcome));
            Thread::Good
        }
        Job::Region(work) => {
            let outcome = guarded(|| work.ask.answer(&group.regions));
            group.complete(Completion::Region(work.id, outcome));
            Thread::Good
        }
    }
}

/// Restores Faaslets ahead of their calls.
fn warm(group: &Group, warm: &Warm) -> Result<usize, Fault> {
    let function = &warm.function;
    let proto = function.proto.get().ok_or_else(|| Fault::bug("no Proto-Faaslet"))?;
    while function.idle_count() < warm.idle && !lock(&group.queue)?.closing {
        let faaslet = Faaslet::restore(function, proto)?;
        group.counters.restored.fetch_add(1, Ordering::Relaxed);
        if !function.keep(faaslet) {
            break;
        }
    }
    Ok(function.idle_count())
}

fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panics::last()))
}

fn install(group: &Arc<Group>, install: Install) -> Result<Installed, Fault> {
    let started = Instant::now();
    let Install { artefact: bytes, mut settings, snapshot, id } = install;
    // SAFETY: TypeScript hands over only what the compiler's child made and what was verified since.
    let artefact = unsafe { artefact::load(&bytes) }?;
    drop(bytes);
    let libraries = load_libraries(&mut settings)?;
    let function = Arc::new(Function::new(artefact, libraries, settings, waits(group), group.regions.clone())?);
    let loaded = Instant::now();
    let mut refused = None;
    let imported = snapshot.and_then(|bytes| {
        // Whatever is wrong with it, there is the initialiser.
        guarded(|| proto::import(&function, &bytes)).map_err(|fault| refused = Some(fault)).ok()
    });
    let is_from_snapshot = imported.is_some();
    let ((proto, first), initialised, log) = match imported {
        Some((proto, faaslet)) => ((proto, Some(faaslet)), loaded, Vec::new()),
        None => {
            let (mut faaslet, printed) = initialise(group, &function, id)?;
            let initialised = Instant::now();
            ((Proto::of(&function, &mut faaslet)?, None), initialised, printed)
        }
    };
    let report = Installed {
        load_us: micros(started, loaded),
        init_us: micros(loaded, initialised),
        snapshot_us: micros(initialised, Instant::now()),
        memory_bytes: proto.image.bytes(),
        snapshot_bytes: proto.image.kept_bytes(),
        restored_each_call: function.meta.restore_each_call,
        log,
        is_from_snapshot,
        snapshot_refused: refused,
    };
    if function.proto.set(proto).is_err() {
        return Err(Fault::bug("a function has two Proto-Faaslets"));
    }
    // It proved that the snapshot can be restored; the first call need not wait for another.
    if let Some(faaslet) = first {
        function.keep(faaslet);
    }
    if lock(&group.functions)?.insert(id, function).is_some() {
        return Err(Fault::bug("two functions of one id"));
    }
    Ok(report)
}

/// A Faaslet whose initialiser has run, and what that printed.
fn initialise(group: &Group, function: &Function, id: u32) -> Result<(Faaslet, Vec<u8>), Fault> {
    let mut faaslet = Faaslet::cold(function)?;
    let Settings { init_timeout, log_max, .. } = function.settings;
    faaslet.begin(CallInput {
        bytes: Arc::from([]),
        environment: String::new(),
        arguments: String::new(),
        stdin: Stdin::Empty,
        stdout: log(log_max),
        stderr: log(log_max),
        deadline: Some(Instant::now() + init_timeout),
        asking: None,
        table_entry: None,
        index: 0,
    });
    let slot =
        lock(&group.installs)?.get(&id).cloned().ok_or_else(|| Fault::bug("an installation that nobody knows"))?;
    let draining = || Fault::new("ERR_DRAINING", "the worker group is closed");
    if !slot.attach(&faaslet.store.data().control) {
        return Err(draining());
    }
    let running = crate::engine::Running::start();
    let result = faaslet.initialise(function)?;
    drop(running);
    slot.detach();
    let hindrance = faaslet.store.data().regions.hindrance();
    let end = faaslet.finish(Ok(0));
    let mut printed = kept(end.stdout).0;
    printed.extend(kept(end.stderr).0);
    if let Err(ending) = result {
        // Nobody else cancels an initialiser.
        if matches!(ending, Ending::Cancelled) {
            return Err(draining());
        }
        return Err(init_fault(ending, init_timeout, &printed));
    }
    match hindrance {
        Some(hindrance) => {
            Err(Fault::new("ERR_SNAPSHOT_HANDLE", format!("the initialiser cannot be snapshotted: {hindrance}")))
        }
        None => Ok((faaslet, printed)),
    }
}

/// The machine code of the libraries among the function's files.
fn load_libraries(settings: &mut Settings) -> Result<Vec<LibraryCode>, Fault> {
    let mut libraries = Vec::new();
    for (path, bytes) in std::mem::take(&mut settings.libraries) {
        // SAFETY: as for the function's own artefact.
        let Artefact { module, meta, image, dylink } = unsafe { artefact::load(&bytes) }?;
        let wrong = |what: &str| Fault::new("ERR_ARTEFACT", format!("library {path:?}: {what}"));
        let dylink = dylink.ok_or_else(|| wrong("not an artefact of a library"))?;
        let file = settings.files.bytes_of(&path).ok_or_else(|| wrong("not among the files"))?;
        libraries.push(LibraryCode { bytes: file, module, dylink, meta, image });
    }
    Ok(libraries)
}

/// How the function's calls tell the group that they wait.
fn waits(group: &Arc<Group>) -> Weak<dyn Waits> {
    Arc::downgrade(group) as Weak<dyn Waits>
}

fn init_fault(ending: Ending, timeout: Duration, printed: &[u8]) -> Fault {
    let why = match ending {
        Ending::Exit(value) => format!("the initialiser returned {value}"),
        Ending::Cancelled => "the initialiser was cancelled".into(),
        Ending::Deadline => format!("the initialiser ran longer than {} ms", timeout.as_millis()),
        Ending::Fault(fault) if fault.code == "ERR_BUG" => return fault,
        Ending::Fault(fault) => format!("the initialiser failed: {}", fault.message),
    };
    let printed = String::from_utf8_lossy(printed);
    let printed = printed.trim_end();
    Fault::new("ERR_INIT", if printed.is_empty() { why } else { format!("{why}\nit printed:\n{printed}") })
}

fn call(group: &Arc<Group>, job: CallJob) -> Thread {
    let mut record = CallRecord::new(job.id);
    let function = job.function.clone();
    let faaslet = guarded(|| start_and_run(group, job, &mut record));
    // Only a reset Faaslet may serve again, and only one whose guest ended by itself can be reset.
    let reusable = match faaslet {
        Ok(faaslet) if matches!(record.status, Status::Ok | Status::GuestError) => faaslet,
        Ok(_) => None,
        Err(fault) => {
            record.status = if fault.code == "ERR_BUG" { Status::Trap } else { Status::Refused };
            record.error = Some(fault);
            None
        }
    };
    let thread = match &record.error {
        Some(fault) if fault.code == "ERR_GUEST_STACK" => Thread::Spent,
        _ => Thread::Good,
    };
    group.forget(record.id);
    let used = !matches!(record.status, Status::Refused);
    // The answer goes out before the reset.
    group.complete(Completion::Ended(Box::new(record)));
    match reusable {
        Some(faaslet) => recycle(group, &function, faaslet),
        None if used => {
            group.counters.discarded.fetch_add(1, Ordering::Relaxed);
        }
        None => {}
    }
    thread
}

fn recycle(group: &Group, function: &Function, mut faaslet: Faaslet) {
    let begin = Instant::now();
    let reset = guarded(|| {
        let proto = function.proto.get().ok_or_else(|| Fault::bug("no Proto-Faaslet"))?;
        if function.meta.restore_each_call || !faaslet.can_be_reset(proto) {
            faaslet.reset_memory(false)?;
            return Ok(None);
        }
        faaslet.reset(proto, function.has_room_for_pages())?;
        Ok(Some(faaslet))
    });
    match reset {
        Ok(Some(faaslet)) => {
            let nanos = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
            function.keep(faaslet);
            // Counted once it can be claimed: who has seen the count finds it.
            group.counters.reset_ns.fetch_add(nanos, Ordering::Relaxed);
            group.counters.resets.fetch_add(1, Ordering::Release);
        }
        _ => {
            group.counters.discarded.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The Faaslet, unless it must not be used again.
fn start_and_run(group: &Arc<Group>, job: CallJob, record: &mut CallRecord) -> Result<Option<Faaslet>, Fault> {
    let taken = Instant::now();
    let deadline = job.submitted + job.timeout;
    record.queue_us = micros(job.submitted, taken);
    let function = &*job.function.clone();
    let slot = job.slot.clone();
    let (mut faaslet, start) = claim(group, function, job.warmest)?;
    record.start = start;
    let stdio = job.stdio;
    let asking = Asking {
        owner: Arc::downgrade(group) as Weak<dyn Owner>,
        call: job.id,
        answers: slot.answers.clone(),
        grant: job.chains,
        shared: group.shared_files.clone(),
        trust: group.trust.clone(),
    };
    faaslet.begin(input(job, deadline, asking));
    let control = faaslet.store.data().control.clone();
    if !slot.attach(&control) {
        record.status = Status::Cancelled;
        record.error = Some(cancelled());
        return Ok(None);
    }
    let mut ready = Instant::now();
    record.start_us = micros(taken, ready);
    let cpu_before = clock_gettime(ClockId::ThreadCPUTime);
    let mut result = Ok(0);
    if start == StartKind::Cold {
        let running = crate::engine::Running::start();
        if let Err(ending) = faaslet.initialise(function)? {
            result = Err(ending);
        }
        drop(running);
        let now = Instant::now();
        record.start_us += micros(ready, now);
        ready = now;
    }
    if result.is_ok() {
        result = faaslet.run();
    }
    slot.detach();
    record.exec_us = micros(ready, Instant::now());
    let cpu_after = clock_gettime(ClockId::ThreadCPUTime);
    record.cpu_us =
        (cpu_after.tv_sec - cpu_before.tv_sec) as f64 * 1e6 + (cpu_after.tv_nsec - cpu_before.tv_nsec) as f64 / 1e3;
    if stdio == Stdio::Inherited {
        let changes = faaslet.store.data_mut().wasi.changed_files();
        lock(&group.changes)?.insert(record.id, changes);
    }
    let end = faaslet.finish(result);
    settle(function, end, record);
    Ok((start != StartKind::Cold).then_some(faaslet))
}

/// The warmest Faaslet that the call may have.
fn claim(group: &Group, function: &Function, warmest: StartKind) -> Result<(Faaslet, StartKind), Fault> {
    if warmest == StartKind::Cold {
        return Ok((Faaslet::cold(function)?, StartKind::Cold));
    }
    if warmest == StartKind::Warm
        && let Some(faaslet) = function.take_idle()
    {
        return Ok((faaslet, StartKind::Warm));
    }
    let proto = function.proto.get().ok_or_else(|| Fault::bug("no Proto-Faaslet"))?;
    let faaslet = Faaslet::restore(function, proto)?;
    group.counters.restored.fetch_add(1, Ordering::Relaxed);
    Ok((faaslet, StartKind::Proto))
}

fn input(job: CallJob, deadline: Instant, asking: Asking) -> CallInput {
    let settings = &job.function.settings;
    let (stdin, stdout, stderr) = match job.stdio {
        Stdio::Inherited => (Stdin::Descriptor(0), Sink::Descriptor(1), Sink::Descriptor(2)),
        Stdio::Kept => {
            let stdout = match (settings.is_command, job.function.writes_output) {
                (true, false) => Sink::Buffer(SinkBuffer::new(settings.output_max, WhenFull::EndCall)),
                // Whether it is the answer or a log shows only at the end.
                (true, true) => log(settings.output_max.max(settings.log_max)),
                (false, _) => log(settings.log_max),
            };
            (Stdin::Bytes(job.input.clone(), 0), stdout, log(settings.log_max))
        }
    };
    CallInput {
        bytes: job.input,
        environment: job.environment,
        arguments: job.arguments,
        stdin,
        stdout,
        stderr,
        deadline: Some(deadline),
        asking: Some(asking),
        table_entry: job.table_entry,
        index: job.index,
    }
}

/// From what the guest left to what its caller gets.
fn settle(function: &Function, end: CallEnd, record: &mut CallRecord) {
    let settings = &function.settings;
    record.memory_bytes = end.memory_bytes;
    (record.stdout, record.stdout_total) = kept(end.stdout);
    (record.stderr, record.stderr_total) = kept(end.stderr);
    match end.result {
        Ok(value) => {
            record.return_value = value;
            record.status = if value == 0 { Status::Ok } else { Status::GuestError };
        }
        Err(Ending::Exit(value)) => {
            record.return_value = value;
            record.status = Status::GuestError;
        }
        Err(Ending::Cancelled) => {
            record.status = Status::Cancelled;
            record.error = Some(cancelled());
        }
        Err(Ending::Deadline) => {
            record.status = Status::Timeout;
            record.error = Some(Fault::new("ERR_CALL_TIMEOUT", "the call ran past its deadline"));
        }
        Err(Ending::Fault(fault)) => {
            record.status = Status::Trap;
            record.error = Some(fault);
        }
    }
    let ended = matches!(record.status, Status::Ok | Status::GuestError);
    if ended {
        record.head = end.head;
    }
    match end.written {
        Some(output) if ended => record.output = output,
        None if ended && settings.is_command => {
            if record.stdout_total > settings.output_max as u64 {
                record.status = Status::Trap;
                record.error = Some(Fault::new("ERR_OUTPUT_LIMIT", "the output is over the function's limit"));
            } else {
                record.output = std::mem::take(&mut record.stdout);
                record.stdout_total = 0;
            }
        }
        _ => {}
    }
    record.stdout.truncate(settings.log_max);
}

fn cancelled() -> Fault {
    Fault::new("ERR_CALL_CANCELLED", "the call was cancelled")
}

fn log(max: usize) -> Sink {
    Sink::Buffer(SinkBuffer::new(max, WhenFull::Truncate))
}

/// What a stream kept, and how much was written to it in all.
fn kept(sink: Sink) -> (Vec<u8>, u64) {
    match sink {
        Sink::Buffer(buffer) => (buffer.bytes, buffer.total),
        Sink::Descriptor(_) => (Vec::new(), 0),
    }
}

fn micros(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_nanos() as f64 / 1e3
}
