/** Answers' bodies that are being sent: bounded in time and, all together, in memory. */
import { FaasletError } from "../errors.ts";
import { HOST_LIMITS } from "../limits.ts";
import type { Clock } from "../scheduler/mod.ts";
import { Laggards } from "./laggards.ts";

/** What bounds answers; defaults to `HOST_LIMITS`. */
export interface OutboxLimits {
  readonly totalBytesMax: number;
  readonly graceMs: number;
  readonly bytesPerSecondMin: number;
}

/** Up to this a body is handed over in one go: the connection's buffers take as much before anybody reads. */
const SMALL_BYTES_MAX = 256 * 1_024;
const PIECE_BYTES = 64 * 1_024;
/** What a body that is made as it is sent holds: what was read ahead, and the piece that is sent. */
const PASSING_BYTES = 2 * 1_024 * 1_024;
const TICK_MS = 1_000;
const NOTHING = new Uint8Array(0);

/**
 * Sends large bodies piece by piece, as the client takes them. A client that takes nothing for a grace period loses its
 * connection: the platform would keep the body for as long as that stays open.
 */
export class Outbox {
  readonly #clock: Clock;
  readonly #limits: OutboxLimits;
  readonly #slow: Laggards;
  #bytes = 0;

  constructor(clock: Clock, limits: Partial<OutboxLimits> = {}) {
    this.#clock = clock;
    this.#limits = {
      totalBytesMax: HOST_LIMITS.answerBytesMax,
      graceMs: HOST_LIMITS.answerGraceMs,
      bytesPerSecondMin: HOST_LIMITS.answerBytesPerSecondMin,
      ...limits,
    };
    this.#slow = new Laggards(clock, TICK_MS);
  }

  /** Bytes of large bodies that were not sent to their end yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Throws `ERR_CAPACITY` when unsent answers fill their memory; for whoever is about to make another one. */
  checkRoom(): void {
    if (this.#bytes < this.#limits.totalBytesMax) return;
    throw new FaasletError(
      "ERR_CAPACITY",
      `cannot take the call: ${this.#bytes} bytes of answers wait for their readers`,
    );
  }

  /** The answer with this body. */
  response(body: Uint8Array): Response {
    if (body.length <= SMALL_BYTES_MAX) return new Response(body as Uint8Array<ArrayBuffer>);
    const response = new Response(this.#stream(body));
    response.headers.set("content-length", String(body.length));
    return response;
  }

  /**
   * A body that is made as it is sent. Counted as what is made ahead; whoever takes nothing for a grace period ends it. Throws
   * `ERR_CAPACITY`.
   */
  passing(source: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    this.checkRoom();
    this.#bytes += PASSING_BYTES;
    const reader = source.getReader();
    let waitingSinceMs: number | undefined;
    let isOver = false;
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const end = () => {
      if (isOver) return;
      isOver = true;
      this.#bytes -= PASSING_BYTES;
      this.#slow.remove(laggard);
    };
    const laggard = this.#slow.add((nowMs) => {
      if (waitingSinceMs === undefined || nowMs - waitingSinceMs <= this.#limits.graceMs) return true;
      end();
      void reader.cancel().catch(() => {});
      controller?.close();
      return false;
    });
    return new ReadableStream<Uint8Array>({
      start(given) {
        controller = given;
      },
      pull: async (given) => {
        waitingSinceMs = undefined;
        const { done, value } = await reader.read().catch((thrown) => {
          end();
          throw thrown;
        });
        if (isOver) return;
        if (done) {
          end();
          return given.close();
        }
        given.enqueue(value);
        waitingSinceMs = this.#clock.now();
      },
      async cancel() {
        end();
        await reader.cancel();
      },
    }, { highWaterMark: 0 });
  }

  close(): void {
    this.#slow.close();
  }

  #stream(whole: Uint8Array): ReadableStream<Uint8Array> {
    // Let go of at the end: the platform may keep the stream for as long as the connection.
    let body = whole;
    const { length } = whole;
    this.#bytes += length;
    let sent = 0;
    let sinceMs = this.#clock.now();
    let sinceSent = 0;
    let isOver = false;
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const laggard = this.#slow.add((nowMs) => {
      if (nowMs - sinceMs <= this.#limits.graceMs) return true;
      const isTooSlow = sent - sinceSent < ((nowMs - sinceMs) * this.#limits.bytesPerSecondMin) / 1_000;
      [sinceMs, sinceSent] = [nowMs, sent];
      if (!isTooSlow) return true;
      end();
      // Too early for the length that was said: the platform breaks the connection off. It would print an error.
      controller?.close();
      return false;
    });
    const end = () => {
      if (isOver) return;
      isOver = true;
      body = NOTHING;
      this.#bytes -= length;
      this.#slow.remove(laggard);
    };
    return new ReadableStream<Uint8Array>({
      start(given) {
        controller = given;
      },
      pull(given) {
        const piece = body.subarray(sent, sent + PIECE_BYTES);
        sent += piece.length;
        // A copy: whoever reads the stream may take its buffer for himself.
        given.enqueue(piece.slice());
        if (sent < length) return;
        end();
        given.close();
      },
      cancel: end,
    }, { highWaterMark: 0 });
  }
}
