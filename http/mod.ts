/**
 * The HTTP interface's door.
 *
 * Job: turn requests into calls and deploys, and their ends into answers: names, bodies, CGI variables, status codes,
 * problem documents, health, metrics, the OpenAPI document. Listens on loopback.
 *
 * Not its job: when a call runs (scheduler), what a module may hold (runtime), who may call (nobody is asked yet).
 *
 * Invariants: every request gets one answer, and every answer to a call its id; no body is read past its limit, and all
 * bodies together stay within theirs, as do answers that nobody reads; a client that goes away cancels its call;
 * requests that name another host are not answered; nothing of a thrown error that is not ours reaches a client.
 *
 * @module
 */
export { type App, type AppOptions, createApp } from "./app.ts";
export type { Logger, RequestInfo, StoreStats } from "./context.ts";
export { isLoopback } from "./loopback.ts";
export { type FunctionName, parseFunctionName } from "./names.ts";
export type { Problem } from "./problem.ts";
export { type Server, type ServerOptions, startServer } from "./server.ts";
export type { LocalRegion, LocalState } from "./state_list.ts";
export { SYSTEM_CLOCK } from "./system_clock.ts";
