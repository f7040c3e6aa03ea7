/** Scripts of WASI calls for the probe: each step with the error number that it has to give. */
import assert from "node:assert/strict";
import { type Argument, DATA, type Earlier, type ProbeFunction, type Ran, type Step } from "./probe.ts";
import type { CallRequest } from "../../runtime/mod.ts";

/** WASI's error numbers, as far as tests name them. */
export const ERRNO = {
  SUCCESS: 0,
  ACCES: 2,
  BADF: 8,
  BUSY: 10,
  DQUOT: 19,
  EXIST: 20,
  FAULT: 21,
  FBIG: 22,
  ILSEQ: 25,
  INVAL: 28,
  ISDIR: 31,
  LOOP: 32,
  MFILE: 33,
  NAMETOOLONG: 37,
  NOENT: 44,
  NOMEM: 48,
  NOTDIR: 54,
  NOTEMPTY: 55,
  NOTSOCK: 57,
  NOTSUP: 58,
  OVERFLOW: 61,
  PERM: 63,
  SPIPE: 70,
  NOTCAPABLE: 76,
} as const;

export const READ = 1n << 1n;
export const WRITE = 1n << 6n;
export const CREATE = 1;
export const DIRECTORY = 2;
export const EXCLUSIVE = 4;
export const TRUNCATE = 8;
export const APPEND = 1;
/** The root directory's descriptor. */
export const ROOT = 3;

export interface OpenOptions {
  readonly how?: number;
  readonly rights?: bigint;
  readonly flags?: number;
  readonly follow?: boolean;
  readonly from?: Argument;
}

/** Steps with expectations; a step's number names its result in later ones. */
export class WasiScript {
  readonly #steps: Step[] = [];
  readonly #expected: (number | bigint | undefined)[] = [];
  readonly #bytes: number[] = [];
  #slots = 0;

  /** A step whose result has to be `expected`, or may be anything. */
  step(step: Step, expected?: number | bigint): number {
    this.#expected.push(expected);
    return this.#steps.push(step) - 1;
  }

  /** Bytes in the guest's memory: address and length. */
  put(text: string | Uint8Array): [number, number] {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    const at = DATA + this.#bytes.length;
    for (const byte of bytes) this.#bytes.push(byte);
    while (this.#bytes.length % 8 !== 0) this.#bytes.push(0);
    return [at, bytes.length];
  }

  /** Eight zero bytes to put a result in. */
  slot(): number {
    return 0x1000 + 8 * this.#slots++;
  }

  /** Opens; gives what later steps use as the descriptor. */
  open(path: string | Uint8Array, expected: number = ERRNO.SUCCESS, options: OpenOptions = {}): Earlier {
    const { how = 0, rights = READ | WRITE, flags = 0, follow = true, from = ROOT } = options;
    const slot = this.slot();
    this.step(
      ["path_open", from, follow ? 1 : 0, ...this.put(path), how, rights, (1n << 30n) - 1n, flags, slot],
      expected,
    );
    return { step: this.step(["peek", slot]) };
  }

  /** Writes a text at the descriptor's place. */
  write(fd: Argument, text: string, expected: number = ERRNO.SUCCESS): void {
    this.step(["fd_write", fd, this.vector(text), 1, this.slot()], expected);
  }

  /** A vector of one buffer that holds the text. */
  vector(text: string | Uint8Array): number {
    const [at, length] = this.put(text);
    return this.put(new Uint8Array(new Uint32Array([at, length]).buffer))[0];
  }

  /** Reads from a place; the text has to be `expected`. */
  reads(fd: Argument, offset: number | bigint, expected: string): void {
    const [at] = this.put(new Uint8Array(expected.length + 8).fill(0x2e));
    const vector = this.put(new Uint8Array(new Uint32Array([at, expected.length + 8]).buffer))[0];
    const count = this.slot();
    this.step(["fd_pread", fd, vector, 1, offset, count], ERRNO.SUCCESS);
    this.step(["peek", count], expected.length);
    this.texts(at, expected);
  }

  /** The bytes at an address have to be a text. */
  texts(at: number, expected: string): void {
    for (const [index, byte] of new TextEncoder().encode(expected).entries()) this.step(["peek8", at + index], byte);
  }

  /** The file's size has to be `expected`. */
  sizes(path: string, expected: number): void {
    const stat = 0x8000 + 64 * (this.#slots++ % 64);
    this.step(["path_filestat_get", ROOT, 0, ...this.put(path), stat], ERRNO.SUCCESS);
    this.step(["peek64", stat + 32], expected);
  }

  /** Runs the script and holds every result against what was expected. */
  async run(probe: ProbeFunction, request: Partial<CallRequest> = {}): Promise<Ran> {
    const ran = await probe.run(this.#steps, new Uint8Array(this.#bytes), request);
    assert.equal(ran.outcome.status, "ok", ran.outcome.error?.message);
    for (const [at, expected] of this.#expected.entries()) {
      if (expected === undefined) continue;
      assert.equal(ran.wide[at], BigInt(expected), `step ${at}: ${JSON.stringify(this.#steps[at], bigints)}`);
    }
    return ran;
  }
}

function bigints(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}
