/**
 * The host interface's door.
 *
 * Job: the one list of host functions of ours, and what is generated from it.
 *
 * Not its job: WASI (its list comes from its own witx files), running anything.
 *
 * Invariants: the add-on offers exactly what the table lists, with exactly these types.
 *
 * @module
 */
export { HOST_FUNCTIONS, type HostFunction, type ValueType } from "./table.ts";
export { renderBindings, type Rendering } from "./bindings.ts";
export { readSdk, type SdkLanguage } from "./sdk.ts";
export { findSystemRoots, RootCalls, type RootsAnswer } from "./root_calls.ts";
export { type NameAnswer, resolveName } from "./name_calls.ts";
export { type FileAnswer, type FileHolder, SharedFileCalls } from "./shared_file_calls.ts";
export { renderRustTable, RUST_TABLE_PATH } from "./generate.ts";
