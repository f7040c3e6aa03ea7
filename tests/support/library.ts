/** Libraries for `dlopen`, of a module's text. */
import { assemble } from "./guests.ts";
import { join, SECTION, section, sized, text as name, unsigned } from "./wasm_bytes.ts";

const HEADER_BYTES = 8;
/** Subsections of `dylink.0` (tool conventions, "Dynamic Linking"). */
const MEM_INFO = 1;
const NEEDED = 2;
const IMPORT_INFO = 4;
const BINDING_WEAK = 1;

/** What a library says of itself. */
export interface LibraryNeeds {
  readonly memory?: number;
  readonly table?: number;
  readonly needed?: readonly string[];
  /** Imports of `env` that may be missing. */
  readonly weak?: readonly string[];
}

/** A library of a module's text, with what it says that it needs. */
export function libraryOf(
  text: string,
  { memory = 0, table = 0, needed = [], weak = [] }: LibraryNeeds = {},
): Uint8Array {
  const module = assemble(text);
  const info = subsection(MEM_INFO, unsigned(memory), [0], unsigned(table), [0]);
  const names = subsection(NEEDED, unsigned(needed.length), ...needed.map(name));
  const imports = subsection(
    IMPORT_INFO,
    unsigned(weak.length),
    ...weak.map((field) => join(name("env"), name(field), [BINDING_WEAK])),
  );
  const custom = section(
    SECTION.custom,
    name("dylink.0"),
    info,
    ...(needed.length > 0 ? [names] : []),
    ...(weak.length > 0 ? [imports] : []),
  );
  return join(module.subarray(0, HEADER_BYTES), custom, module.subarray(HEADER_BYTES));
}

function subsection(id: number, ...pieces: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return join([id], sized(...pieces));
}
