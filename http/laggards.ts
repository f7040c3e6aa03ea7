import type { Clock } from "../scheduler/mod.ts";

/** Something that usually ends before the next tick. */
export interface Laggard {
  /** Called at a tick; false when it need not be called again. */
  readonly look: (nowMs: number) => boolean;
  index: number;
}

/**
 * Looks now and then at what has not ended yet.
 *
 * A timer or an abort listener for each request would cost more than all else that a warm call needs here; nearly all
 * are gone before they would matter. One timer serves all of them, and adding and removing are an array's push and pop.
 */
export class Laggards {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #pending: Laggard[] = [];
  #stopTimer: (() => void) | undefined;

  constructor(clock: Clock, tickMs: number) {
    this.#clock = clock;
    this.#tickMs = tickMs;
  }

  /** `look` is called at each tick until it returns false, or until `remove`. */
  add(look: (nowMs: number) => boolean): Laggard {
    const laggard = { look, index: this.#pending.length };
    this.#pending.push(laggard);
    this.#arm();
    return laggard;
  }

  remove(laggard: Laggard): void {
    const { index } = laggard;
    if (this.#pending[index] !== laggard) return;
    const last = this.#pending.pop()!;
    if (last === laggard) return;
    this.#pending[index] = last;
    last.index = index;
  }

  /** Stops the timer; what is pending is looked at no more. */
  close(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#pending.length = 0;
  }

  #arm(): void {
    this.#stopTimer ??= this.#clock.after(this.#tickMs, () => this.#tick());
  }

  #tick(): void {
    this.#stopTimer = undefined;
    const nowMs = this.#clock.now();
    for (const laggard of [...this.#pending]) {
      if (!laggard.look(nowMs)) this.remove(laggard);
    }
    if (this.#pending.length > 0) this.#arm();
  }
}
