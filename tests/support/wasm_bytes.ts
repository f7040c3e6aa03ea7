/** WebAssembly modules byte by byte: for modules that no assembler would make, or not in time. */

/** The header of a module (core specification 5.5.16). */
export const HEADER = new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);

export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
} as const;

export const I32 = 0x7f;
/** A function type without parameters and results. */
export const UNIT_TYPE = new Uint8Array([0x60, 0, 0]);

type Bytes = Uint8Array | readonly number[];

/** All pieces, one after another. */
export function join(...pieces: readonly Bytes[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** An unsigned number in LEB128. */
export function unsigned(value: number): Uint8Array {
  const bytes: number[] = [];
  do {
    const low = value % 128;
    value = Math.floor(value / 128);
    bytes.push(value > 0 ? low | 0x80 : low);
  } while (value > 0);
  return new Uint8Array(bytes);
}

/** `piece`, so many times. */
export function times(count: number, piece: Bytes): Uint8Array {
  const whole = new Uint8Array(count * piece.length);
  for (let at = 0; at < whole.length; at += piece.length) whole.set(piece, at);
  return whole;
}

/** Bytes with their length in front. */
export function sized(...pieces: readonly Bytes[]): Uint8Array {
  const bytes = join(...pieces);
  return join(unsigned(bytes.length), bytes);
}

export function text(characters: string): Uint8Array {
  return sized(new TextEncoder().encode(characters));
}

export function section(id: number, ...pieces: readonly Bytes[]): Uint8Array {
  return join([id], sized(...pieces));
}

/** A section that lists `count` items. */
export function list(id: number, count: number, ...items: readonly Bytes[]): Uint8Array {
  return section(id, unsigned(count), ...items);
}

export function module(...sections: readonly Bytes[]): Uint8Array {
  return join(HEADER, ...sections);
}

/** The body of a function: groups of locals, instructions without their end. */
export function body(
  locals: readonly (readonly [count: number, kind: number])[],
  ...code: readonly Bytes[]
): Uint8Array {
  const groups = locals.map(([count, kind]) => join(unsigned(count), [kind]));
  return sized(unsigned(groups.length), ...groups, ...code, [0x0b]);
}

/** A module of one function of type () -> (), exported as `main`, and whatever sections come before its code. */
export function moduleOf(code: Uint8Array, ...before: readonly Bytes[]): Uint8Array {
  return module(
    list(SECTION.type, 1, UNIT_TYPE),
    list(SECTION.function, 1, [0]),
    ...before,
    list(SECTION.export, 1, text("main"), [0, 0]),
    list(SECTION.code, 1, code),
  );
}
