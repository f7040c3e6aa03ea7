import type { FunctionRegistry } from "../runtime/mod.ts";
import type { AsyncCalls, CallHistory, CallRecorder, Clock, Dispatcher, HistogramSnapshot } from "../scheduler/mod.ts";
import type { GlobalTier } from "../state/mod.ts";
import type { Bodies } from "./body.ts";
import type { Laggards } from "./laggards.ts";
import type { Outbox } from "./outbox.ts";
import type { LocalState } from "./state_list.ts";

/** What the app logs to; a LogTape logger fits. */
export interface Logger {
  error(message: string, properties: Record<string, unknown>): void;
}

/** What is known of a request beside its message; `Deno.serve` hands it in. */
export interface RequestInfo {
  readonly remoteAddr: { readonly hostname: string };
}

/** Reads and writes of the store: how long they took, and how many failed. */
export type StoreStats = Readonly<
  Record<"read" | "commit", { readonly took: HistogramSnapshot; readonly errors: number }>
>;

/** What every resource works with. */
export interface AppContext {
  readonly registry: FunctionRegistry;
  readonly dispatcher: Dispatcher;
  readonly calls: AsyncCalls;
  readonly history: CallHistory;
  /** Writes records of calls; absent where none are kept. */
  readonly recorder: Pick<CallRecorder, "written" | "skipped"> | undefined;
  readonly state: GlobalTier;
  /** Absent where nobody counts. */
  readonly storeStats: (() => StoreStats) | undefined;
  /** What of a tenant's state is in this host's memory; undefined: nothing yet. */
  readonly localState: (tenant: string) => LocalState | undefined;
  readonly clock: Clock;
  /** Of this program. */
  readonly version: string;
  readonly logger: Logger;
  readonly bodies: Bodies;
  readonly outbox: Outbox;
  /** Answers that go on until they are ended: each is called when the host stops. */
  readonly streams: Set<() => void>;
  /** Calls whose client has not been asked after yet. */
  readonly clients: Laggards;
}
