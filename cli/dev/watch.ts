/** Changes of files, those that belong together at once. */
import type { Root } from "./target.ts";

/** An editor's save is several changes within a few milliseconds. */
const SETTLE_MS = 15;

/** Yields the paths that changed since the last time, once nothing more happens to them; ends with the signal. */
export async function* changesIn(roots: readonly Root[], stopped: AbortSignal): AsyncGenerator<Set<string>> {
  const changes = new Changes();
  const watchers = [watch(roots, true), watch(roots, false)].filter((watcher) => watcher !== undefined);
  const close = () => {
    for (const watcher of watchers) watcher.close();
    changes.end();
  };
  stopped.addEventListener("abort", close);
  const reading = Promise.all(watchers.map((watcher) => changes.follow(watcher)));
  try {
    if (stopped.aborted) return;
    for (;;) {
      const paths = await changes.next();
      if (paths === undefined) return;
      yield paths;
    }
  } finally {
    stopped.removeEventListener("abort", close);
    if (!stopped.aborted) close();
    await reading;
  }
}

function watch(roots: readonly Root[], isWhole: boolean): Deno.FsWatcher | undefined {
  const directories = new Set(roots.filter((root) => root.isWhole === isWhole).map(({ directory }) => directory));
  return directories.size === 0 ? undefined : Deno.watchFs([...directories], { recursive: isWhole });
}

/** What changed and was not asked for yet. */
class Changes {
  #paths = new Set<string>();
  #hasEnded = false;
  #wake = Promise.withResolvers<void>();

  async follow(watcher: Deno.FsWatcher): Promise<void> {
    for await (const { kind, paths } of watcher) {
      if (kind === "access") continue;
      for (const path of paths) this.#paths.add(path);
      this.#wake.resolve();
    }
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake.resolve();
  }

  /** Undefined at the end. */
  async next(): Promise<Set<string> | undefined> {
    await this.#wake.promise;
    for (let size = -1; size !== this.#paths.size && !this.#hasEnded;) {
      size = this.#paths.size;
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
    if (this.#hasEnded) return undefined;
    const paths = this.#paths;
    this.#paths = new Set();
    this.#wake = Promise.withResolvers();
    return paths;
  }
}
