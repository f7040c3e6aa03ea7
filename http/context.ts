import type { FunctionRegistry } from "../runtime/mod.ts";
import type { Clock, Dispatcher } from "../scheduler/mod.ts";
import type { Bodies } from "./body.ts";
import type { Laggards } from "./laggards.ts";
import type { Outbox } from "./outbox.ts";

/** What the app logs to; a LogTape logger fits. */
export interface Logger {
  error(message: string, properties: Record<string, unknown>): void;
}

/** What is known of a request beside its message; `Deno.serve` hands it in. */
export interface RequestInfo {
  readonly remoteAddr: { readonly hostname: string };
}

/** What every resource works with. */
export interface AppContext {
  readonly registry: FunctionRegistry;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  /** Of this program. */
  readonly version: string;
  readonly logger: Logger;
  readonly bodies: Bodies;
  readonly outbox: Outbox;
  /** Calls whose client has not been asked after yet. */
  readonly clients: Laggards;
}
