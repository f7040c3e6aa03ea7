/** Long work, with a sign of life on a terminal. */
import type { Output } from "./output.ts";

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
