/**
 * The scheduler's door.
 *
 * Job: decide when a call runs and see it to its one end: admission (per-function concurrency and queues, the host's
 * running maximum, fairness between functions), deadlines from admission on, cancelling, draining, the table of the
 * last calls, the numbers behind the metrics.
 *
 * Not its job: HTTP, names, what a Faaslet is, where modules are kept.
 *
 * Invariants: no function and no host runs more than its maximum; every call ends exactly once; a function with free
 * slots waits for one call of each other function at most; nothing here reads a clock, draws a random number or
 * touches the system: all three are parameters.
 *
 * @module
 */
export type { CallOptions, CallResult } from "./_active_call.ts";
export {
  type AsyncCall,
  AsyncCalls,
  type AsyncCallsOptions,
  type AsyncCallStore,
  type Submission,
} from "./async_calls.ts";
export { CallHistory, type CallQuery } from "./call_history.ts";
export { CallRecorder, type RecordStore } from "./call_recorder.ts";
export type { FillRandom } from "./call_id.ts";
export type { CallTree, TreeCost } from "./call_tree.ts";
export { type CallStatsSnapshot, OTHER_FUNCTIONS, type StatusCounts } from "./call_stats.ts";
export { type CallRecord, isFailed, type OpenCall } from "./call_record.ts";
export { StoredAsyncCalls, StoredRecords } from "./stored_calls.ts";
export type { Clock } from "./clock.ts";
export { type Caller, Dispatcher, type DispatcherOptions, type DispatcherStats } from "./dispatcher.ts";
export { BUCKET_BOUNDS_US, Histogram, type HistogramSnapshot } from "./histogram.ts";
