/**
 * Renders {@link HOST_FUNCTIONS} for the add-on: `deno task native` writes the result to
 * `runtime/native/src/host/_table.rs`, and a test holds the committed file equal to it.
 *
 * @module
 */
import { HOST_FUNCTIONS, type ValueType } from "./table.ts";

/** Where the rendering goes, from the project's root. */
export const RUST_TABLE_PATH = "runtime/native/src/host/_table.rs";

/** The Rust source of the table. */
export function renderRustTable(): string {
  const entries = HOST_FUNCTIONS.map((one) =>
    `    HostFunction {
        module: "${one.module}",
        name: "${one.name}",
        params: ${kinds(one.params.map((param) => param.type))},
        results: ${kinds(one.results)},
    },\n`
  );
  return `//! Generated from \`hostif/table.ts\` by \`deno task native\`; do not edit.

/// A value type of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    I32,
    #[allow(dead_code, reason = "the interface has 64-bit types whether or not a function takes one")]
    I64,
}

/// One function of the host interface.
#[derive(Debug)]
pub struct HostFunction {
    pub module: &'static str,
    pub name: &'static str,
    pub params: &'static [ValueType],
    pub results: &'static [ValueType],
}

/// Every function of ours that a guest may import.
pub const HOST_FUNCTIONS: &[HostFunction] = &[
${entries.join("")}];
`;
}

function kinds(types: readonly ValueType[]): string {
  return `&[${types.map((type) => `ValueType::${type.toUpperCase()}`).join(", ")}]`;
}
