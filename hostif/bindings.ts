/**
 * Renders {@link HOST_FUNCTIONS} for guests: bare declarations in C, Rust, Go and AssemblyScript, over which the SDK's own
 * files are thin, and the reference page. `deno task native` writes them; a test holds the committed files equal to this.
 *
 * Functions with C's own names (`mmap`, `socket`, `dlopen` ...) are declared by C's headers and are not rendered for it.
 *
 * @module
 */
import { HOST_FUNCTIONS, type HostFunction, type ValueType } from "./table.ts";

/** A file that follows from the table. */
export interface Rendering {
  /** From the project's root. */
  readonly path: string;
  readonly text: string;
}

const NOTE = "Generated from `hostif/table.ts` by `deno task native`; do not edit.";
const OURS = HOST_FUNCTIONS.filter(({ name }) => name.startsWith("__"));

/** All files that follow from the table, but for the add-on's own. */
export function renderBindings(): Rendering[] {
  return [
    { path: "hostif/sdk/c/faaslet_imports.h", text: renderC() },
    { path: "hostif/sdk/rust/src/imports.rs", text: renderRust() },
    { path: "hostif/sdk/go/imports.go", text: renderGo() },
    { path: "hostif/sdk/assemblyscript/imports.ts", text: renderAssemblyScript() },
    { path: "docs/host-functions.md", text: renderReference() },
  ];
}

function renderC(): string {
  const kind = (type: ValueType) => (type === "i32" ? "uint32_t" : "uint64_t");
  const declarations = OURS.map((one) => {
    const params = one.params.map(({ name, type }) => `${kind(type)} ${name}`).join(", ") || "void";
    return comment(one, " * ", "/**\n", "\n */\n") +
      `__attribute__((import_module("${one.module}"), import_name("${one.name}")))\n` +
      `${resultOf(one, kind, "void")} ${one.name}(${params});\n`;
  });
  return `/* ${NOTE} */
#ifndef FAASLET_IMPORTS_H
#define FAASLET_IMPORTS_H

#include <stdint.h>

/** A pointer as the host takes it. */
#define FAASLET_AT(pointer) ((uint32_t)(uintptr_t)(pointer))

#ifdef __cplusplus
extern "C" {
#endif

${declarations.join("\n")}
#ifdef __cplusplus
}
#endif

#endif
`;
}

function renderRust(): string {
  const kind = (type: ValueType) => (type === "i32" ? "u32" : "u64");
  const declarations = OURS.map((one) => {
    const params = one.params.map(({ name, type }) => `${snake(name)}: ${kind(type)}`).join(", ");
    const result = one.results.length === 0 ? "" : ` -> ${resultOf(one, kind, "")}`;
    return comment(one, "    /// ", "", "\n") + `    pub fn ${one.name}(${params})${result};\n`;
  });
  return `//! ${NOTE}

#[link(wasm_import_module = "env")]
extern "C" {
${declarations.join("")}}
`;
}

function renderGo(): string {
  const kind = (type: ValueType) => (type === "i32" ? "uint32" : "uint64");
  const declarations = OURS.map((one) => {
    const params = one.params.map(({ name, type }) => `${goName(name)} ${kind(type)}`).join(", ");
    const result = resultOf(one, kind, "");
    return comment(one, "// ", "", "\n") + "//\n" + `//go:wasmimport ${one.module} ${one.name}\n` +
      `func ${importName(one)}(${params})${result === "" ? "" : ` ${result}`}\n`;
  });
  return `//go:build wasip1

// ${NOTE}

package faaslet

${declarations.join("\n")}`;
}

function renderAssemblyScript(): string {
  const kind = (type: ValueType) => (type === "i32" ? "u32" : "u64");
  const declarations = OURS.map((one) => {
    const params = one.params.map(({ name, type }) => `${name}: ${kind(type)}`).join(", ");
    return comment(one, " * ", "/**\n", "\n */\n") + `@external("${one.module}", "${one.name}")\n` +
      `export declare function ${importName(one)}(${params}): ${resultOf(one, kind, "void")};\n`;
  });
  return `// ${NOTE}\n\n${declarations.join("\n")}`;
}

function renderReference(): string {
  const signature = (one: HostFunction) => {
    const params = one.params.map(({ name, type }) => `${name}: ${type}`).join(", ");
    return `${one.name}(${params})${one.results.length === 0 ? "" : ` -> ${one.results.join(", ")}`}`;
  };
  const entries = HOST_FUNCTIONS.map((one) => {
    const lines = [`## \`${one.name}\``, "", "```", signature(one), "```", "", one.effect, ""];
    if (one.limits.length > 0) lines.push(`Limits: ${one.limits.map((limit) => `\`${limit}\``).join(", ")}.`, "");
    if (one.errors.length > 0) lines.push("Errors:", "", ...one.errors.map((error) => `- ${error}`), "");
    lines.push(`With a malicious guest: ${one.hostile}`, "");
    return lines.join("\n");
  });
  return `# Host functions

<!-- ${NOTE} -->

What a guest may import from the module \`env\`, beside all of WASI preview 1 (\`wasi_snapshot_preview1\`). An import that
is in neither is refused at upload, by name. Pointers and lengths are offsets and sizes in the guest's own linear memory;
each range is checked with 64-bit arithmetic and copied once. "Trap" ends the call with the code that is named.

${entries.join("\n")}`;
}

function resultOf(one: HostFunction, kind: (type: ValueType) => string, none: string): string {
  const [result] = one.results;
  return result === undefined ? none : kind(result);
}

/** The effect, wrapped to the line's width. */
function comment(one: HostFunction, prefix: string, before: string, after: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of one.effect.split(" ")) {
    if (line !== "" && prefix.length + line.length + 1 + word.length > LINE_WIDTH) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  lines.push(line);
  return before + lines.map((one) => `${prefix}${one}`).join("\n") + after;
}

const LINE_WIDTH = 110;

/** `__faasm_read_input` is `importReadInput` where names have humps. */
function importName({ name }: HostFunction): string {
  const words = name.replace(/^__(faasm|faaslet)_|^__/, "").split("_");
  return `import${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("")}`;
}

function goName(name: string): string {
  return name === "type" || name === "range" || name === "func" ? `${name}_` : name;
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
