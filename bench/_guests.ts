/** Guests whose memory is what a benchmark asks for. */
import { assemble, DEFAULT_LIMITS, imageOf, type ImageOptions } from "../tests/support/guests.ts";

export { DEFAULT_LIMITS, guest, imageOf } from "../tests/support/guests.ts";

const WASM_PAGE = 65_536;
const DATA_SECTION = 11;

/** A function of a module of this folder's; the limits on idle Faaslets and on memory never get in the way. */
export function functionOf(id: number, wasm: Uint8Array, idle: number, options: ImageOptions = {}) {
  const limits = { ...DEFAULT_LIMITS, idle, ...options.limits };
  return imageOf(id, wasm, { ...options, limits });
}

/** Writes one byte and returns 0; its memory begins with `bytes` bytes that are not zero. Entered at `main`. */
export function snapshotGuest(bytes: number): Uint8Array {
  return withData(
    `(module
      (memory (export "memory") ${pagesFor(bytes)})
      (func (export "main") (result i32)
        (i32.store (i32.const 64) (i32.const 1))
        (i32.const 0)))`,
    bytes,
  );
}

/** Writes to as many 4 KiB pages as its input, a u32, says: at least the first. Its memory begins as above. */
export function touchGuest(bytes: number): Uint8Array {
  return withData(
    `(module
      (import "env" "__faasm_read_input" (func $read (param i32 i32) (result i32)))
      (memory (export "memory") ${pagesFor(bytes)})
      (func (export "main") (result i32)
        (local $page i32)
        (drop (call $read (i32.const 0) (i32.const 4)))
        (local.set $page (i32.sub (i32.load (i32.const 0)) (i32.const 1)))
        (block $done
          (loop $next
            (br_if $done (i32.le_s (local.get $page) (i32.const 0)))
            (i32.store8 (i32.mul (local.get $page) (i32.const 4096)) (i32.const 1))
            (local.set $page (i32.sub (local.get $page) (i32.const 1)))
            (br $next)))
        (i32.const 0)))`,
    bytes,
  );
}

function pagesFor(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / WASM_PAGE));
}

/** The module with one active data segment at address 0. As text, 64 MB of it would be 200. */
function withData(text: string, bytes: number): Uint8Array {
  const module = assemble(text);
  if (bytes === 0) return module;
  // One segment: flags 0, the offset `i32.const 0; end`, then the bytes.
  const head = [1, 0, 0x41, 0, 0x0b, ...leb(bytes)];
  const section = [DATA_SECTION, ...leb(head.length + bytes), ...head];
  const whole = new Uint8Array(module.length + section.length + bytes);
  whole.set(module);
  whole.set(section, module.length);
  // Never zero, and no two pages alike.
  for (let at = module.length + section.length, value = 1; at < whole.length; at++) {
    value = (value * 75 + 74) % 65_537;
    whole[at] = value % 255 + 1;
  }
  return whole;
}

function leb(value: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push(value % 128 + (rest > 0 ? 128 : 0));
    value = rest;
  } while (value > 0);
  return bytes;
}
