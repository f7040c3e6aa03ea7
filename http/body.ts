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
   * Throws `ERR_REQUEST_TOO_LARGE` over `bytesMax` (before a byte is read when Content-Length says so),
   * `ERR_REQUEST_TIMEOUT`, `ERR_REQUEST_INVALID` when Content-Length lies, `ERR_CAPACITY` when bodies fill their memory,
   * `ERR_CALL_CANCELLED` when the client went away.
   */
  read(
    request: Request,
    bytesMax: number,
    contentLength = request.headers.get("content-length"),
  ): Promise<Uint8Array> {
    if (contentLength === null) {
      const stream = request.method === "GET" || request.method === "HEAD"
        ? null
        : request.body;
      return stream === null
        ? Promise.resolve(EMPTY)
        : this.#readPieces(stream, bytesMax, undefined);
    }
    const length = /^\d{1,15}$/.test(contentLength)
      ? Number(contentLength)
      : NaN;
    if (Number.isNaN(length)) {
      return Promise.reject(invalid(`Content-Length is not a number`));
    }
    if (length > bytesMax) return Promise.reject(tooLarge(bytesMax));
    if (length === 0) return Promise.resolve(EMPTY);
    if (length <= SMALL_BYTES_MAX) return this.#readSmall(request, length);
    return request.body === null
      ? Promise.reject(invalid("there is no body"))
      : this.#readPieces(request.body, bytesMax, length);
  }

  /** Gives memory back. */
  release(bytes: number): void {
    this.#bytes -= bytes;
  }

  close(): void {
    this.#slow.close();
  }

  #readSmall(request: Request, length: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#take(length);
      const startedMs = this.#clock.now();
      let isSettled = false;
      const settle = (act: () => void) => {
        if (isSettled) return;
        isSettled = true;
        this.#slow.remove(laggard);
        act();
      };
      const fail = (error: FaasletError) =>
        settle(() => {
          this.release(length);
          reject(error);
        });
      const laggard = this.#slow.add((nowMs) => {
        if (this.#isTooSlow(nowMs - startedMs, 0)) fail(tooSlow());
        return !isSettled;
      });
      request.bytes().then((bytes) => {
        if (bytes.length === length) settle(() => resolve(bytes));
        else fail(lengthMismatch(length, bytes.length));
      }, () => fail(clientGone()));
    });
  }

  async #readPieces(
    stream: ReadableStream<Uint8Array>,
    bytesMax: number,
    length: number | undefined,
  ) {
    const reader = stream.getReader();
    const pieces: Uint8Array[] = [];
    const startedMs = this.#clock.now();
    let size = 0;
    let isTooSlow = false;
    const laggard = this.#slow.add((nowMs) => {
      isTooSlow = this.#isTooSlow(nowMs - startedMs, size);
      if (isTooSlow) void cancel(reader);
      return !isTooSlow;
    });
    try {
      for (;;) {
        const { done, value } = await reader.read().catch(() => {
          throw clientGone();
        });
        if (isTooSlow) throw tooSlow();
        if (done) break;
        if (size + value.length > bytesMax) throw tooLarge(bytesMax);
        this.#take(value.length);
        size += value.length;
        pieces.push(value);
      }
      if (length !== undefined && size !== length) {
        throw lengthMismatch(length, size);
      }
      return joined(pieces, size);
    } catch (error) {
      this.release(size);
      void cancel(reader);
      throw error;
    } finally {
      this.#slow.remove(laggard);
    }
  }

  #take(bytes: number): void {
    if (this.#bytes + bytes > this.#limits.totalBytesMax) {
      throw new FaasletError(
        "ERR_CAPACITY",
        `cannot read the body: request bodies fill ${this.#bytes} bytes already`,
      );
    }
    this.#bytes += bytes;
  }

  #isTooSlow(elapsedMs: number, received: number): boolean {
    return elapsedMs >
      this.#limits.graceMs +
        (received * 1_000) / this.#limits.bytesPerSecondMin;
  }
}

/** A stream that failed cannot be cancelled any more, and there is nobody to tell. */
async function cancel(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<void> {
  try {
    await reader.cancel();
  } catch { /* see above */ }
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function invalid(why: string): FaasletError {
  return new FaasletError(
    "ERR_REQUEST_INVALID",
    `cannot read the body: ${why}`,
  );
}

function lengthMismatch(length: number, received: number): FaasletError {
  return invalid(`Content-Length says ${length} bytes, ${received} came`);
}

function tooLarge(bytesMax: number): FaasletError {
  return new FaasletError(
    "ERR_REQUEST_TOO_LARGE",
    `cannot take the body: the limit is ${bytesMax} bytes`,
  );
}

function tooSlow(): FaasletError {
  return new FaasletError(
    "ERR_REQUEST_TIMEOUT",
    "cannot wait for the body any longer: it comes too slowly",
  );
}

function clientGone(): FaasletError {
  return new FaasletError(
    "ERR_CALL_CANCELLED",
    "cannot read the body: the client went away",
  );
}
