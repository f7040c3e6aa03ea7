/** Modules that are meant to cost their reader more than their size is worth (H16). */
import {
  body,
  I32,
  join,
  list,
  module,
  moduleOf,
  SECTION,
  section,
  sized,
  text,
  times,
  UNIT_TYPE,
  unsigned,
} from "./wasm_bytes.ts";

const EMPTY_BODY = body([]);
const BLOCK = [0x02, 0x40];
const END = [0x0b];
/** Arithmetic on a local, fifty times: `x = (x * 3 + 1) ^ (x << 5)`. */
const WORK = body(
  [[1, I32]],
  times(50, [0x20, 0, 0x41, 3, 0x6c, 0x41, 1, 0x6a, 0x20, 0, 0x41, 5, 0x74, 0x73, 0x21, 0]),
);

/** So many functions, each with this body. */
export function functions(count: number, each: Uint8Array = EMPTY_BODY): Uint8Array {
  return module(
    list(SECTION.type, 1, UNIT_TYPE),
    list(SECTION.function, count, times(count, [0])),
    list(SECTION.export, 1, text("main"), [0, 0]),
    list(SECTION.code, count, times(count, each)),
  );
}

export function types(count: number): Uint8Array {
  return module(list(SECTION.type, count, times(count, UNIT_TYPE)));
}

/** Functions with so many locals each; none of them is used. */
export function locals(functionCount: number, localCount: number): Uint8Array {
  return functions(functionCount, body([[localCount, I32]]));
}

/** One function with a branch table. */
export function branchTable(targets: number): Uint8Array {
  return moduleOf(body([], BLOCK, [0x41, 0], [0x0e], unsigned(targets), times(targets + 1, [0]), END));
}

/** Blocks inside blocks. */
export function nesting(depth: number): Uint8Array {
  return moduleOf(body([], times(depth, BLOCK), times(depth, END)));
}

export function exports(count: number): Uint8Array {
  // A length, `e` and seven digits, the kind, the function.
  const all = times(count, [8, 0x65, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0, 0]);
  for (let number = 0; number < count; number++) {
    for (let [rest, at] = [number, number * 11 + 8]; rest > 0; rest = Math.floor(rest / 10)) all[at--]! += rest % 10;
  }
  return module(
    list(SECTION.type, 1, UNIT_TYPE),
    list(SECTION.function, 1, [0]),
    list(SECTION.export, count, all),
    list(SECTION.code, 1, EMPTY_BODY),
  );
}

/** A custom section that nobody reads, in front of a module that does nothing. */
export function customSection(bytes: number): Uint8Array {
  return module(
    section(SECTION.custom, text("bomb"), new Uint8Array(bytes)),
    moduleOf(EMPTY_BODY).subarray(8),
  );
}

/** Two bytes of code stand for a call with a thousand arguments, in code that is never reached. */
export function unreachableCalls(count: number): Uint8Array {
  const thousand = join([0x60], sized(new Uint8Array(1_000).fill(I32)), [0]);
  const calls = body([], [0x00], times(count, [0x10, 1]));
  return module(
    list(SECTION.type, 2, UNIT_TYPE, thousand),
    list(SECTION.function, 2, [0, 1]),
    list(SECTION.export, 1, text("main"), [0, 0]),
    list(SECTION.code, 2, calls, EMPTY_BODY),
  );
}

/** Plain work: what honest compilers make, so many bytes of it. */
export function honest(bytes: number): Uint8Array {
  return functions(Math.ceil(bytes / WORK.length), WORK);
}

/** The same, and at its very end an instruction that is not offered: whoever wants to know which one validates all of it again and again. */
export function featureful(bytes: number): Uint8Array {
  const count = Math.ceil(bytes / WORK.length);
  const zero = [0x42, 0];
  // i64.add128 of the wide arithmetic proposal.
  const last = body([], zero, zero, zero, zero, [0xfc, 0x13], [0x1a, 0x1a]);
  return module(
    list(SECTION.type, 1, UNIT_TYPE),
    list(SECTION.function, count + 1, times(count + 1, [0])),
    list(SECTION.export, 1, text("main"), [0, 0]),
    list(SECTION.code, count + 1, times(count, WORK), last),
  );
}
