import type { Clock } from "../scheduler/mod.ts";

/** The clock of the machine. Its monotonic side does not notice when somebody sets the time. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  epochMs: () => Date.now(),
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};
