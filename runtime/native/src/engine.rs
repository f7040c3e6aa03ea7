//! The one Wasmtime engine of the process, and the ticker that lets running guests look at their deadline.
//!
//! Only this is static: whatever belongs to a JavaScript isolate lives in the object that `open()` gave it.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use wasmtime::{Config, Engine, OptLevel, RegallocAlgorithm, WasmFeatures};

use crate::fault::Fault;
use crate::memory::{Creator, SLOT_GUARD, SLOT_RESERVATION};

/// Stack that guest code may use: Go's runtime needs 8 MiB.
pub const GUEST_STACK: usize = 8 << 20;
/// Stack of a guest thread: when the native stack runs out the process aborts, so host functions get room of their own.
pub const THREAD_STACK: usize = GUEST_STACK + (1 << 20);
/// How often a running guest looks at its deadline.
const TICK: Duration = Duration::from_millis(1);
/// Ticks without a running guest after which the ticker sleeps until the next call.
const IDLE_TICKS: u32 = 100;
/// Ticks between two looks at what idle Faaslets hold, while others run.
const COOL_TICKS: u32 = 1_000;

static ENGINE: OnceLock<Result<Engine, Fault>> = OnceLock::new();
static TICKS: AtomicU64 = AtomicU64::new(0);
static RUNNING: AtomicUsize = AtomicUsize::new(0);
static ASLEEP: AtomicBool = AtomicBool::new(false);
static TICKER: OnceLock<std::thread::Thread> = OnceLock::new();
static WATCHES: Mutex<Vec<Weak<dyn Watch>>> = Mutex::new(Vec::new());

/// Looked after at each tick while guests run.
pub trait Watch: Send + Sync {
    fn tick(self: Arc<Self>);
    /// About once a second while guests run, and twice when none has run for a while.
    fn cool(self: Arc<Self>);
}

/// Adds a watch; it ends with its object.
pub fn watch(watch: Weak<dyn Watch>) -> Result<(), Fault> {
    WATCHES.lock().map_err(|_| Fault::bug("watches poisoned"))?.push(watch);
    Ok(())
}

/// The engine; made on first use.
pub fn engine() -> Result<&'static Engine, Fault> {
    ENGINE.get_or_init(|| Engine::new(&config()).map_err(Fault::bug)).as_ref().map_err(Fault::clone)
}

/// The settings that make machine code; a benchmark that compares with plain Wasmtime uses the same.
fn config() -> Config {
    let mut config = Config::new();
    config
        .with_host_memory(Arc::new(Creator))
        // Wasmtime's own copy-on-write images would bypass ours, and it panics on them with a host memory.
        .memory_init_cow(false)
        .memory_reservation(SLOT_RESERVATION as u64)
        .memory_guard_size(SLOT_GUARD as u64)
        .memory_may_move(false)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK)
        // Not used, but Wasmtime wants it to be no smaller.
        .async_stack_size(THREAD_STACK)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::Backtracking)
        .wasm_features(refused_features(), false)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(32));
    config
}

/// Off, whatever Wasmtime's defaults become: the memory creator is asked once per memory and is not told which one, and
/// sharing between Faaslets never goes through shared memories.
fn refused_features() -> WasmFeatures {
    WasmFeatures::MULTI_MEMORY
        | WasmFeatures::MEMORY64
        | WasmFeatures::CUSTOM_PAGE_SIZES
        | WasmFeatures::GC
        | WasmFeatures::FUNCTION_REFERENCES
        | WasmFeatures::EXCEPTIONS
        | WasmFeatures::WIDE_ARITHMETIC
        | WasmFeatures::STACK_SWITCHING
}

/// Changes about once a millisecond while a guest runs.
pub fn ticks() -> u64 {
    TICKS.load(Ordering::Relaxed)
}

/// Held while a guest runs: keeps the ticker awake.
pub struct Running(());

impl Running {
    pub fn start() -> Self {
        if RUNNING.fetch_add(1, Ordering::SeqCst) == 0
            && ASLEEP.load(Ordering::SeqCst)
            && let Some(ticker) = TICKER.get()
        {
            ticker.unpark();
        }
        Self(())
    }

    /// Guests that run now, in the whole process.
    pub fn count() -> usize {
        RUNNING.load(Ordering::Relaxed)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Starts the ticker once; it lives as long as the process.
pub fn start_ticker() -> Result<(), Fault> {
    static STARTED: AtomicBool = AtomicBool::new(false);
    let engine = engine()?;
    if STARTED.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    std::thread::Builder::new()
        .name("faaslet-ticker".into())
        .stack_size(128 << 10)
        .spawn(move || tick(engine))
        .map(|_| ())
        .map_err(|e| Fault::capacity("a thread", e))
}

fn tick(engine: &'static Engine) {
    let _ = TICKER.set(std::thread::current());
    let (mut idle, mut warm) = (0, 0);
    loop {
        std::thread::sleep(TICK);
        engine.increment_epoch();
        TICKS.fetch_add(1, Ordering::Relaxed);
        each_watch(|watch| watch.tick());
        idle = if RUNNING.load(Ordering::SeqCst) > 0 { 0 } else { idle + 1 };
        warm += 1;
        // Twice before it sleeps: the second time finds that nothing was needed since the first.
        if warm >= COOL_TICKS || idle == IDLE_TICKS / 2 || idle == IDLE_TICKS {
            warm = 0;
            each_watch(|watch| watch.cool());
        }
        if idle < IDLE_TICKS {
            continue;
        }
        // Announce first, look again after: a call that starts in between is seen here or sees the announcement.
        ASLEEP.store(true, Ordering::SeqCst);
        while RUNNING.load(Ordering::SeqCst) == 0 {
            std::thread::park();
        }
        ASLEEP.store(false, Ordering::SeqCst);
        idle = 0;
    }
}

fn each_watch(look: impl Fn(Arc<dyn Watch>)) {
    let Ok(mut watches) = WATCHES.lock() else { return };
    watches.retain(|watch| watch.upgrade().map(&look).is_some());
}
