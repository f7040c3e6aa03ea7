/** What people and attackers upload that is no module of ours (H14), byte by byte, and how it has to be refused. */
import { compileModule } from "../../runtime/native/mod.ts";
import { assemble, guest } from "./guests.ts";
import { body, I32, join, list, module, moduleOf, SECTION, sized, text, UNIT_TYPE } from "./wasm_bytes.ts";

export interface Foreign {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly code: "ERR_MODULE_FORMAT" | "ERR_MODULE_FEATURE" | "ERR_MODULE_INVALID";
  /** What the refusal has to name. */
  readonly words: RegExp;
}

const EMPTY = body([]);
const UTF8 = new TextEncoder();

/** A memory section with limits as they stand in the format. */
function memory(...limits: readonly number[]): Uint8Array {
  return moduleOf(EMPTY, list(SECTION.memory, 1, limits));
}

function imported(kind: readonly number[]): Uint8Array {
  return module(list(SECTION.import, 1, text("env"), text("memory"), kind));
}

function typed(...types: readonly (readonly number[])[]): Uint8Array {
  return module(list(SECTION.type, types.length, ...types));
}

export async function foreignUploads(): Promise<Foreign[]> {
  const artefact = compileModule(guest("noop"));
  const elfAt = artefact.findIndex((_, at) => artefact.subarray(at, at + 4).join() === "127,69,76,70");
  const cwasm = artefact.slice(elfAt);
  const program = (await Deno.readFile("/proc/self/exe")).subarray(0, 100_000);
  const gzip = new Blob([guest("noop") as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream("gzip"));
  const format = (name: string, bytes: Uint8Array, words: RegExp): Foreign => ({
    name,
    bytes,
    code: "ERR_MODULE_FORMAT",
    words,
  });
  const feature = (name: string, bytes: Uint8Array, words: RegExp): Foreign => ({
    name,
    bytes,
    code: "ERR_MODULE_FEATURE",
    words,
  });
  return [
    format("nothing", new Uint8Array(0), /empty/),
    format("a program of this machine", program, /native machine code \(ELF\)/),
    format("Wasmtime's machine code", cwasm, /precompiled by Wasmtime/),
    format("an artefact of ours", artefact, /artefact of this program/),
    format("text", UTF8.encode("(module)"), /WebAssembly text/),
    format("a component", new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]), /component/),
    format("gzip", new Uint8Array(await new Response(gzip).arrayBuffer()), /gzip/),
    format("half a header", new Uint8Array([0, 0x61, 0x73]), /inside the WebAssembly header/),
    format("another version", new Uint8Array([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0]), /version 2/),
    format("an object file", join(module(), [0, ...sized(text("linking"), [2])]), /object file/),
    feature("a shared memory", memory(3, 1, 2), /shared memory/),
    feature("an imported memory", imported([2, 0, 1]), /imports a memory \(env\.memory\)/),
    feature("an imported shared memory", imported([2, 3, 1, 2]), /imports a shared memory/),
    feature("memory64", memory(4, 1), /memory64/),
    feature("multi-memory", moduleOf(EMPTY, list(SECTION.memory, 2, [0, 1], [0, 1])), /multi-memory/),
    feature("custom page sizes", memory(8, 1, 0), /custom page sizes/),
    feature("a struct", typed([0x5f, 0]), /garbage collection/),
    feature("a recursive group", typed([0x4e, 1, 0x5f, 0]), /garbage collection/),
    feature("externref", typed([0x60, 1, 0x6f, 0]), /externref/),
    feature("a typed reference", typed([0x60, 0, 0], [0x60, 1, 0x64, 0, 0]), /typed function references|garbage/),
    feature("exceptions", module(list(SECTION.type, 1, UNIT_TYPE), list(13, 1, [0, 0])), /exception handling/),
    feature("a continuation", typed([0x60, 0, 0], [0x5d, 0]), /stack switching/),
    feature("a mutable reference", assemble("(module (global (mut funcref) (ref.null func)))"), /mutable reference/),
    {
      name: "a module that is cut off",
      bytes: guest("echo").slice(0, -3),
      code: "ERR_MODULE_INVALID",
      words: /unexpected end|end-of-file/,
    },
    {
      name: "a module that does not validate",
      bytes: moduleOf(body([], [0x41, 1])),
      code: "ERR_MODULE_INVALID",
      words: /values remaining on stack|type mismatch/,
    },
    {
      name: "a reserved name",
      bytes: module(list(SECTION.memory, 1, [0, 1]), list(SECTION.export, 1, text("__faaslet:memory"), [2, 0])),
      code: "ERR_MODULE_INVALID",
      words: /reserved/,
    },
    {
      name: "a function of a type that is not there",
      bytes: module(
        list(SECTION.type, 1, [0x60, 1, I32, 0]),
        list(SECTION.function, 1, [9]),
        list(SECTION.code, 1, EMPTY),
      ),
      code: "ERR_MODULE_INVALID",
      words: /unknown type|out of bounds/,
    },
  ];
}
