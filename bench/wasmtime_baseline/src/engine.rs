//! The add-on's engine settings (`runtime/native/src/engine.rs`), but for the memory: here it is Wasmtime's own.

use std::time::Duration;

use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, RegallocAlgorithm, Result,
    WasmFeatures, bail,
};

const GUEST_STACK: usize = 8 << 20;
pub const THREAD_STACK: usize = GUEST_STACK + (1 << 20);
const RESERVATION: u64 = 4 << 30;
const GUARD: u64 = 32 << 20;
/// Instances at once in the pool: one lives at a time here, and a pool that is used again and again is the fast case.
const POOLED: u32 = 16;
const POOLED_MEMORY: usize = 512 << 20;

/// An engine whose epoch a thread advances each millisecond, as the add-on's ticker does.
pub fn engine(allocation: &str) -> Result<Engine> {
    let mut config = Config::new();
    config
        .memory_init_cow(true)
        .memory_reservation(RESERVATION)
        .memory_guard_size(GUARD)
        .memory_may_move(false)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK)
        .async_stack_size(THREAD_STACK)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::Backtracking)
        .wasm_features(refused_features(), false)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(32));
    match allocation {
        "on-demand" => config.allocation_strategy(InstanceAllocationStrategy::OnDemand),
        "pooling" => config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool())),
        other => bail!("there is no allocation {other:?}: on-demand or pooling"),
    };
    let engine = Engine::new(&config)?;
    let ticking = engine.clone();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(1));
            ticking.increment_epoch();
        }
    });
    Ok(engine)
}

/// Wasmtime's defaults, with fewer and larger places.
fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(POOLED)
        .total_memories(POOLED)
        .total_tables(POOLED)
        .max_memory_size(POOLED_MEMORY)
        .max_core_instance_size(64 << 20)
        .table_elements(100_000);
    pool
}

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
