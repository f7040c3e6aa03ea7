//! A worker group as JavaScript has it: submit, cancel, drain, close.

use std::sync::Arc;
use std::time::{Duration, Instant};

use faaslet_wasi::{Allowed, FileQuotas, GlobalFiles, HttpLimits, WasiSettings};
use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Function, Uint8Array, Uint8ArraySlice};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

use super::convert::{Coded, fault_of, variables};
use super::drain::Block;
use super::region::NativeRegionLimits;
use super::snapshot::Exporting;
use crate::fault::Fault;
use crate::function::Settings;
use crate::group::{CallJob, Group, Install, StartKind, Stdio};
use crate::regions::RegionLimits;
use crate::slow::Answer;
use crate::state::{ChainGrant, GuestLimits};

/// A file of the read-only layer; a directory when it has no bytes.
#[napi(object)]
pub struct NativeFile {
    pub path: String,
    pub bytes: Option<Uint8Array>,
}

/// A library among the files, compiled.
#[napi(object)]
pub struct NativeLibrary {
    pub path: String,
    pub artefact: Uint8Array,
}

/// Limits of one function's Faaslets.
#[napi(object)]
pub struct NativeLimits {
    pub init_timeout_ms: f64,
    pub memory_bytes: f64,
    pub table_elements: u32,
    pub output_bytes: f64,
    pub log_bytes: f64,
    pub file_bytes: f64,
    pub files: u32,
    pub descriptors: u32,
    pub clock_resolution_us: u32,
    pub idle: u32,
}

/// What one HTTP request of a guest, and its answer, may be.
#[napi(object)]
pub struct NativeHttpLimits {
    pub request_body_bytes: f64,
    pub answer_head_bytes: u32,
    pub answer_body_bytes: f64,
    pub redirects: u32,
    pub head_ms: f64,
    pub pause_ms: f64,
}

/// All that a group needs to know of a function.
#[napi(object)]
pub struct NativeFunction {
    pub id: u32,
    pub artefact: Uint8Array,
    pub before_snapshot: Vec<String>,
    pub entry: String,
    pub after_entry: Option<String>,
    pub is_command: bool,
    pub limits: NativeLimits,
    /// argv, the program's name included.
    pub arguments: Vec<String>,
    /// `NAME=value` entries, each ended by NUL.
    pub environment: String,
    pub files: Vec<NativeFile>,
    pub libraries: Vec<NativeLibrary>,
    /// What its sockets may reach: `ADDRESS/PREFIX PORT` or `* PORT`.
    pub network: Vec<String>,
    /// Default: enough for small requests and answers.
    pub http: Option<NativeHttpLimits>,
    /// Whether the guest sees a file system at all.
    pub has_root: bool,
    /// A Proto-Faaslet that was exported: the initialiser runs only when this cannot be used.
    pub snapshot: Option<Uint8Array>,
}

/// A change that a call made to its file system.
#[napi(object)]
pub struct NativeChange {
    pub path: String,
    /// `file`, `directory`, `symlink` or `removed`.
    pub kind: String,
    pub bytes: Option<Uint8Array>,
}

/// What a group holds now, and did since it was opened.
#[napi(object)]
pub struct NativeStats {
    pub functions: u32,
    pub idle_faaslets: u32,
    pub threads: u32,
    pub running_calls: u32,
    pub restored: f64,
    pub resets: f64,
    /// Time of all resets.
    pub reset_us: f64,
    pub discarded: f64,
}

/// One worker group.
#[napi]
pub struct NativeGroup {
    pub(super) group: Arc<Group>,
    block: Block,
}

#[napi]
impl NativeGroup {
    /// Opens a group. `on_wake` is called on the isolate's thread when `drain` has something to give. Without limits of regions
    /// its guests have no state.
    #[napi(factory, catch_unwind)]
    pub fn open(
        env: &Env,
        threads_max: u32,
        on_wake: Function<'_, (), ()>,
        regions: Option<NativeRegionLimits>,
    ) -> Result<Self, Coded> {
        let wake: ThreadsafeFunction<(), (), (), napi::Status, false> =
            on_wake.build_threadsafe_function().build().map_err(Fault::bug)?;
        let notify = Box::new(move || {
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        });
        let group = Group::open(threads_max as usize, regions.map(RegionLimits::from).unwrap_or_default(), notify)?;
        // An isolate that ends without `close` (a terminated worker, a test file) must not leave guests behind.
        env.add_env_cleanup_hook(Arc::downgrade(&group), |group| {
            if let Some(group) = group.upgrade() {
                group.release();
                let _ = group.close();
            }
        })
        .map_err(Fault::bug)?;
        Ok(Self { group, block: Block::default() })
    }

    /// Loads a function and makes its Proto-Faaslet; its end is a completion.
    #[napi(catch_unwind)]
    pub fn install(&self, image: NativeFunction) -> Result<(), Coded> {
        let (artefact, snapshot) = (image.artefact.to_vec(), image.snapshot.as_ref().map(|bytes| bytes.to_vec()));
        Ok(self.group.install(Install { id: image.id, artefact, settings: settings(image)?, snapshot })?)
    }

    /// Starts a call; its end is a completion. What is added to environment and arguments is NUL-ended entries. True: all threads
    /// that could take it are asleep, and `wake` has to follow, once for all calls that are started together.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments, reason = "an object would cost more than the rest of the crossing")]
    pub fn call(
        &self,
        id: u32,
        function_id: u32,
        input: &[u8],
        timeout_ms: f64,
        more_variables: Option<String>,
        more_words: Option<String>,
        warmest: u32,
        inherits_stdio: bool,
        table_entry: f64,
        index: i32,
        chain_calls: u32,
        chain_bytes: f64,
    ) -> Result<bool, Coded> {
        let submitted = Instant::now();
        let timeout = duration_ms(timeout_ms)?;
        let warmest = match warmest {
            0 => StartKind::Cold,
            1 => StartKind::Proto,
            _ => StartKind::Warm,
        };
        let must_wake = self.group.call(function_id, |function| CallJob {
            id,
            function,
            slot: Arc::default(),
            input: Arc::from(input),
            environment: more_variables.unwrap_or_default(),
            arguments: more_words.unwrap_or_default(),
            timeout,
            submitted,
            warmest,
            chains: ChainGrant { calls: chain_calls, bytes: chain_bytes as usize },
            table_entry: (table_entry >= 0.0).then_some(table_entry as u32),
            index,
            stdio: if inherits_stdio { Stdio::Inherited } else { Stdio::Kept },
        })?;
        Ok(must_wake)
    }

    /// Wakes threads for the calls that were started.
    #[napi(catch_unwind)]
    pub fn wake(&self) -> Result<(), Coded> {
        Ok(self.group.wake()?)
    }

    /// Ends a call as cancelled; nothing happens when it has ended.
    #[napi(catch_unwind)]
    pub fn cancel(&self, call: u32) -> Result<(), Coded> {
        self.group.cancel(call);
        Ok(())
    }

    /// Answers a slow host call; nothing happens when its call has ended. `error` is a code, a line feed and a message.
    #[napi(catch_unwind)]
    pub fn answer(
        &self,
        call: u32,
        ticket: u32,
        value: f64,
        bytes: Option<&[u8]>,
        error: Option<String>,
    ) -> Result<(), Coded> {
        let fault = error.as_deref().map(fault_of);
        let answer = Answer { value: value as i64, bytes: bytes.map(<[u8]>::to_vec).unwrap_or_default(), fault };
        self.group.answer(call, ticket, answer);
        Ok(())
    }

    /// A function's Proto-Faaslet in at most `bytes_max` bytes, on a thread of the runtime's pool.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeSnapshot>")]
    pub fn export_snapshot(&self, function_id: u32, bytes_max: f64) -> Result<AsyncTask<Exporting>, Coded> {
        Ok(AsyncTask::new(Exporting::of(self.group.function(function_id)?, bytes_max as usize)))
    }

    /// Forgets a function; running calls end as they would have.
    #[napi(catch_unwind)]
    pub fn remove(&self, function_id: u32) -> Result<(), Coded> {
        Ok(self.group.remove(function_id)?)
    }

    /// Keeps at most `idle` idle Faaslets of a function.
    #[napi(catch_unwind)]
    pub fn trim(&self, function_id: u32, idle: u32) -> Result<(), Coded> {
        self.group.function(function_id)?.trim(idle as usize);
        Ok(())
    }

    /// Restores Faaslets of a function until `idle` are idle; its end is a completion.
    #[napi(catch_unwind)]
    pub fn warm(&self, id: u32, function_id: u32, idle: u32) -> Result<(), Coded> {
        Ok(self.group.warm(id, function_id, idle as usize)?)
    }

    /// What ended since the last time, in one block at the beginning of `into`. Gives the block's length; when that is more
    /// than `into` has, nothing was written and the next call gives the same block.
    #[napi(catch_unwind)]
    pub fn drain(&self, mut into: Uint8ArraySlice<'_>) -> Result<f64, Coded> {
        // SAFETY: JavaScript is in this call, so nobody else uses the array meanwhile.
        Ok(self.block.drain(&self.group, unsafe { into.as_mut() })?)
    }

    /// What a call with the process's own streams changed in its file system; once.
    #[napi(catch_unwind)]
    pub fn take_changes(&self, call: u32) -> Result<Vec<NativeChange>, Coded> {
        Ok(self.group.take_changes(call).into_iter().map(change).collect())
    }

    /// Whether a shared file of that digest is here.
    #[napi(catch_unwind)]
    pub fn holds_file(&self, digest: String) -> Result<bool, Coded> {
        Ok(self.group.shared_files.holds(&digest))
    }

    /// Keeps a shared file under its digest, for the calls that will ask for it.
    #[napi(catch_unwind)]
    pub fn offer_file(&self, digest: String, bytes: &[u8]) -> Result<(), Coded> {
        Ok(self.group.shared_files.offer(digest, bytes)?)
    }

    #[napi(catch_unwind)]
    pub fn stats(&self) -> Result<NativeStats, Coded> {
        let (functions, idle, threads, calls) = self.group.census()?;
        let counters = &self.group.counters;
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Acquire) as f64;
        Ok(NativeStats {
            functions: functions as u32,
            idle_faaslets: idle as u32,
            threads: threads as u32,
            running_calls: calls as u32,
            restored: count(&counters.restored),
            resets: count(&counters.resets),
            reset_us: count(&counters.reset_ns) / 1e3,
            discarded: count(&counters.discarded),
        })
    }

    /// Cancels everything; the last completion says when it is done.
    #[napi(catch_unwind)]
    pub fn close(&self) -> Result<(), Coded> {
        Ok(self.group.close()?)
    }

    /// Lets the isolate end: no wake-up after it.
    #[napi(catch_unwind)]
    pub fn release(&self) -> Result<(), Coded> {
        self.group.release();
        Ok(())
    }
}

fn settings(function: NativeFunction) -> Result<Settings, Fault> {
    let NativeFunction { limits, http, .. } = function;
    let mut files = GlobalFiles::default();
    for file in function.files {
        let added = match &file.bytes {
            Some(bytes) => files.add_file(&file.path, Arc::from(bytes.as_ref())),
            None => files.add_directory(&file.path),
        };
        added.map_err(|e| Fault::new("ERR_SETTINGS_INVALID", format!("file {:?}: {e}", file.path)))?;
    }
    Ok(Settings {
        id: function.id,
        before_snapshot: function.before_snapshot,
        entry: function.entry,
        after_entry: function.after_entry,
        is_command: function.is_command,
        init_timeout: duration_ms(limits.init_timeout_ms)?,
        guest_limits: GuestLimits {
            memory_bytes: limits.memory_bytes as usize,
            table_elements: limits.table_elements as usize,
        },
        output_max: limits.output_bytes as usize,
        log_max: limits.log_bytes as usize,
        idle_max: limits.idle as usize,
        wasi: WasiSettings {
            args: function.arguments,
            env: variables(&function.environment),
            quotas: FileQuotas {
                bytes: limits.file_bytes as u64,
                files: limits.files as usize,
                descriptors: limits.descriptors as usize,
                ..FileQuotas::default()
            },
            clock_resolution_ns: u64::from(limits.clock_resolution_us) * 1000,
            preopen_root: function.has_root,
            network: Allowed::parse(function.network.iter().map(String::as_str)).map_err(Fault::bug)?,
            http: http.map(http_limits).transpose()?.unwrap_or_default(),
        },
        files,
        libraries: function.libraries.into_iter().map(|one| (one.path, one.artefact.to_vec())).collect(),
    })
}

fn http_limits(limits: NativeHttpLimits) -> Result<HttpLimits, Fault> {
    Ok(HttpLimits {
        request_body_bytes: limits.request_body_bytes as u64,
        answer_head_bytes: limits.answer_head_bytes as usize,
        answer_body_bytes: limits.answer_body_bytes as u64,
        redirects: limits.redirects as usize,
        head: duration_ms(limits.head_ms)?,
        pause: duration_ms(limits.pause_ms)?,
    })
}

fn duration_ms(ms: f64) -> Result<Duration, Fault> {
    Duration::try_from_secs_f64(ms / 1e3).map_err(|e| Fault::bug(format!("a time of {ms} ms: {e}")))
}

fn change(change: faaslet_wasi::Change) -> NativeChange {
    use faaslet_wasi::Change;
    let (path, kind, bytes) = match change {
        Change::File { path, bytes } => (path, "file", Some(bytes)),
        Change::Directory { path } => (path, "directory", None),
        Change::Symlink { path, .. } => (path, "symlink", None),
        Change::Removed { path } => (path, "removed", None),
    };
    NativeChange { path, kind: kind.into(), bytes: bytes.map(Uint8Array::from) }
}
