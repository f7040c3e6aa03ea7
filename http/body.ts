/** Request bodies: bounded in size, in time, and all together in memory. */
import { FaasletError } from "../errors.ts";
import { HOST_LIMITS } from "../limits.ts";
import type { Clock } from "../scheduler/mod.ts";
import { Laggards } from "./laggards.ts";

/** What bounds bodies; defaults to `HOST_LIMITS`. */
export interface BodyLimits {
  readonly totalBytesMax: number;
  readonly graceMs: number;
  readonly bytesPerSecondMin: number;
}

/** Up to this a body is read in one go; beyond, piece by piece, so that it can be counted and stopped. */
const SMALL_BYTES_MAX = 64 * 1_024;
/** What a body that only passes through takes: one piece, and what its receiver gathers before it goes on. */
const PASSING_BYTES = 1 * 1_024 * 1_024;
const TICK_MS = 1_000;
const EMPTY = new Uint8Array(0);

/** Reads bodies, and knows how many of their bytes are in memory. */
export class Bodies {
  readonly #clock: Clock;
  readonly #limits: BodyLimits;
  readonly #slow: Laggards;
  #bytes = 0;

  constructor(clock: Clock, limits: Partial<BodyLimits> = {}) {
    this.#clock = clock;
    this.#limits = {
      totalBytesMax: HOST_LIMITS.requestBodyBytesMax,
      graceMs: HOST_LIMITS.requestBodyGraceMs,
      bytesPerSecondMin: HOST_LIMITS.requestBodyBytesPerSecondMin,
      ...limits,
    };
    this.#slow = new Laggards(clock, TICK_MS);
  }

  /** Bytes of bodies that are being read or were not released yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Reads the body. Whoever gets it calls `release` with its length, once, when it is no longer needed.
   *
   * Rejects with `ERR_REQUEST_TOO_LARGE` over `bytesMax` (before a byte is read when Content-Length says so),
   * `ERR_REQUEST_TIMEOUT`, `ERR_REQUEST_INVALID` when the body is not what the head says, and `ERR_CAPACITY` when bodies
   * fill their memory.
   */
  async read(request: Request, bytesMax: number): Promise<Uint8Array> {
    // Whoever has no body has a head.
    if (this.#bytes >= this.#limits.totalBytesMax) throw this.#full();
    const { headers, method } = request;
    const contentLength = headers.get("content-length");
    if (method === "GET" || method === "HEAD") {
      // The platform hides such a body (it has no meaning, RFC 9110 9.3.1); an empty input would be a silent loss.
      if (Number(contentLength) === 0 && !headers.has("transfer-encoding")) return EMPTY;
      throw invalid(`a ${method} request has none`);
    }
    if (contentLength === null) {
      return request.body === null ? EMPTY : await this.#readPieces(request.body, bytesMax);
    }
    const length = lengthOf(contentLength)!;
    if (length > bytesMax) throw tooLarge(bytesMax);
    if (length === 0) return EMPTY;
    if (length <= SMALL_BYTES_MAX) return await this.#readSmall(request, length);
    if (request.body === null) throw lengthMismatch(length, 0);
    return await this.#readPieces(request.body, bytesMax, length);
  }

  /**
   * The body as it comes, for whoever does not keep it: counted as what one piece and its receiver hold. Only the time in which the
   * client is waited for is the client's. Rejects as `read` does.
   */
  async *pieces(request: Request, bytesMax: number): AsyncGenerator<Uint8Array> {
    const length = lengthOf(request.headers.get("content-length"));
    if (length !== undefined && length > bytesMax) throw tooLarge(bytesMax);
    if (request.body === null) {
      if (length !== undefined && length > 0) throw lengthMismatch(length, 0);
      return;
    }
    this.#take(PASSING_BYTES);
    const reader = request.body.getReader();
    const patience = new Patience(this.#limits, this.#clock);
    const laggard = this.#slow.add((nowMs) => {
      if (!patience.isOver(nowMs)) return true;
      void cancel(reader);
      return false;
    });
    let size = 0;
    try {
      for (;;) {
        const { done, value } = await patience.waited(reader.read()).catch((thrown) => {
          throw thrown instanceof FaasletError ? thrown : brokenOff();
        });
        if (done) break;
        size += value.length;
        if (size > bytesMax) throw tooLarge(bytesMax);
        patience.got(value.length);
        yield value;
      }
      if (length !== undefined && size !== length) throw lengthMismatch(length, size);
    } finally {
      this.#slow.remove(laggard);
      this.release(PASSING_BYTES);
      void cancel(reader);
    }
  }

  /** Counts other bytes of a request that are kept, e.g. its head's; to be released like a body. */
  hold(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Gives memory back. */
  release(bytes: number): void {
    this.#bytes -= bytes;
  }

  close(): void {
    this.#slow.close();
  }

  async #readSmall(request: Request, length: number): Promise<Uint8Array> {
    this.#take(length);
    try {
      const bytes = await this.#inTime(request.bytes());
      if (bytes.length !== length) throw lengthMismatch(length, bytes.length);
      return bytes;
    } catch (error) {
      this.release(length);
      throw error;
    }
  }

  /** Bounds the time of a reading whose progress nobody sees. */
  #inTime(reading: Promise<Uint8Array>): Promise<Uint8Array> {
    const startedMs = this.#clock.now();
    return new Promise((resolve, reject) => {
      const laggard = this.#slow.add((nowMs) => {
        const isTooSlow = nowMs - startedMs > this.#limits.graceMs;
        if (isTooSlow) reject(tooSlow());
        return !isTooSlow;
      });
      reading.then((bytes) => {
        this.#slow.remove(laggard);
        resolve(bytes);
      }, () => {
        this.#slow.remove(laggard);
        reject(brokenOff());
      });
    });
  }

  async #readPieces(stream: ReadableStream<Uint8Array>, bytesMax: number, length?: number): Promise<Uint8Array> {
    const reader = stream.getReader();
    // In each grace period something has to come: what came before is no credit for standing still with it later.
    let sinceMs = this.#clock.now();
    let sinceSize = 0;
    // One buffer that grows: of a list of pieces, each one-byte chunk of the client would hold a buffer of its own.
    let buffer = new ArrayBuffer(0);
    let size = 0;
    let isTooSlow = false;
    const laggard = this.#slow.add((nowMs) => {
      if (nowMs - sinceMs <= this.#limits.graceMs) return true;
      isTooSlow = size - sinceSize < ((nowMs - sinceMs) * this.#limits.bytesPerSecondMin) / 1_000;
      if (isTooSlow) void cancel(reader);
      [sinceMs, sinceSize] = [nowMs, size];
      return !isTooSlow;
    });
    try {
      for (;;) {
        const { done, value } = await reader.read().catch(() => {
          throw brokenOff();
        });
        if (isTooSlow) throw tooSlow();
        if (done) break;
        const needed = size + value.length;
        if (needed > bytesMax) throw tooLarge(bytesMax);
        if (needed > buffer.byteLength) buffer = this.#grow(buffer, needed, length ?? bytesMax);
        new Uint8Array(buffer).set(value, size);
        size = needed;
      }
      if (length !== undefined && size !== length) throw lengthMismatch(length, size);
      this.release(buffer.byteLength - size);
      return new Uint8Array(buffer.transfer(size));
    } catch (error) {
      this.release(buffer.byteLength);
      void cancel(reader);
      throw error;
    } finally {
      this.#slow.remove(laggard);
    }
  }

  /** Moves to a larger buffer: twice the size, so that all moves together copy each byte about once. */
  #grow(buffer: ArrayBuffer, needed: number, bytesMax: number): ArrayBuffer {
    const doubled = Math.max(2 * buffer.byteLength, SMALL_BYTES_MAX);
    const capacity = Math.max(needed, Math.min(doubled, bytesMax));
    this.#take(capacity - buffer.byteLength);
    return buffer.transfer(capacity);
  }

  #take(bytes: number): void {
    if (this.#bytes + bytes > this.#limits.totalBytesMax) throw this.#full();
    this.#bytes += bytes;
  }

  #full(): FaasletError {
    return new FaasletError("ERR_CAPACITY", `cannot take the request: those that are here fill ${this.#bytes} bytes`);
  }
}

/** Counts the time in which somebody is waited for, against what comes of it. */
class Patience {
  readonly #limits: BodyLimits;
  readonly #clock: Clock;
  #waitingSinceMs: number | undefined;
  #waitedMs = 0;
  #bytes = 0;
  #isOver = false;

  constructor(limits: BodyLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Waits; rejects with `ERR_REQUEST_TIMEOUT` when it took too long. */
  async waited<T>(next: Promise<T>): Promise<T> {
    this.#waitingSinceMs = this.#clock.now();
    const result = await next.catch((thrown) => {
      throw this.#isOver ? tooSlow() : thrown;
    });
    this.#waitedMs += this.#clock.now() - this.#waitingSinceMs;
    this.#waitingSinceMs = undefined;
    // A reader that is cancelled says that it is done.
    if (this.#isOver) throw tooSlow();
    return result;
  }

  got(bytes: number): void {
    this.#bytes += bytes;
  }

  /** In each grace period of waiting something has to come. */
  isOver(nowMs: number): boolean {
    if (this.#waitingSinceMs === undefined) return false;
    const waitedMs = this.#waitedMs + nowMs - this.#waitingSinceMs;
    if (waitedMs <= this.#limits.graceMs) return false;
    this.#isOver = this.#bytes < (waitedMs * this.#limits.bytesPerSecondMin) / 1_000;
    [this.#waitedMs, this.#bytes, this.#waitingSinceMs] = [0, 0, nowMs];
    return this.#isOver;
  }
}

/** Undefined: the head does not say. */
function lengthOf(contentLength: string | null): number | undefined {
  if (contentLength === null) return undefined;
  if (!/^\d+$/.test(contentLength)) throw invalid("Content-Length is not a number");
  return Number(contentLength);
}

/** A stream that failed cannot be cancelled any more, and there is nobody to tell. */
async function cancel(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    await reader.cancel();
  } catch { /* see above */ }
}

function invalid(why: string): FaasletError {
  return new FaasletError("ERR_REQUEST_INVALID", `cannot read the body: ${why}`);
}

function lengthMismatch(length: number, received: number): FaasletError {
  return invalid(`Content-Length says ${length} bytes, ${received} came`);
}

function tooLarge(bytesMax: number): FaasletError {
  return new FaasletError("ERR_REQUEST_TOO_LARGE", `cannot take the body: the limit is ${bytesMax} bytes`);
}

function tooSlow(): FaasletError {
  return new FaasletError("ERR_REQUEST_TIMEOUT", "cannot wait for the body any longer: it comes too slowly");
}

/** Whether the client went away or only closed its half, this is the answer; in the first case nobody reads it. */
function brokenOff(): FaasletError {
  return invalid("it broke off");
}
