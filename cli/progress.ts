/** Long work, with a sign of life on a terminal. */
import type { Output } from "./output.ts";
import { showBytes } from "./units.ts";

/** Shorter work needs none. */
const QUIET_MS = 400;
const STEP_MS = 100;

/** Waits for `work`; on a terminal a line says what is done and for how long already, and is gone at the end. */
export async function during<T>(output: Output, what: string, work: Promise<T>): Promise<T> {
  if (!output.isInteractive) return await work;
  const started = performance.now();
  let isShown = false;
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - started;
    if (elapsedMs < QUIET_MS) return;
    isShown = true;
    output.status(`${what} ... ${(elapsedMs / 1_000).toFixed(1)} s`);
  }, STEP_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (isShown) output.status("");
  }
}

/** How far bytes have come that pass through, on a terminal. */
export class Counter {
  readonly #output: Output;
  readonly #what: string;
  readonly #total: number | undefined;
  readonly #startedMs = performance.now();
  #bytes = 0;
  #shownMs = 0;

  /** `total`: how many there will be, if that is known. */
  constructor(output: Output, what: string, total: number | undefined) {
    this.#output = output;
    this.#what = what;
    this.#total = total;
  }

  async *of(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of pieces) {
        this.#bytes += piece.length;
        this.#show();
        yield piece;
      }
    } finally {
      this.end();
    }
  }

  #show(): void {
    const nowMs = performance.now();
    if (!this.#output.isInteractive || nowMs - this.#startedMs < QUIET_MS || nowMs - this.#shownMs < STEP_MS) return;
    this.#shownMs = nowMs;
    const part = this.#total ? ` of ${showBytes(this.#total)}, ${Math.floor(100 * this.#bytes / this.#total)} %` : "";
    const perSecond = showBytes(this.#bytes / ((nowMs - this.#startedMs) / 1_000));
    this.#output.status(`${this.#what} ... ${showBytes(this.#bytes)}${part}, ${perSecond}/s`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#shownMs > 0) this.#output.status("");
    this.#shownMs = 0;
  }
}
