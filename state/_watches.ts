/**
 * Watches on keys of the store, shared: a stream for ten keys, never one for each who waits. Somebody who waits learns that a key
 * may have changed, and looks himself; so nothing is lost while a stream is opened anew for more keys.
 */
import { FaasletError } from "../errors.ts";
import { KV_LIMITS } from "../limits.ts";
import type { StateKv } from "./kv.ts";

/** Keys that come within this time come into one stream at one go. */
const GATHER_MS = 5;
/** Before a stream that failed is opened again. */
const REOPEN_MS = 500;

/** A key that somebody waits for. */
interface Topic {
  readonly key: Deno.KvKey;
  readonly wake: Set<() => void>;
  versionstamp: string | null | undefined;
}

/** What somebody holds who waits. */
export interface Watch {
  /** Resolves when the key may have changed since the last call, or after `withinMs`; rejects with the signal's reason. */
  changed(withinMs: number, signal: AbortSignal): Promise<void>;
  end(): void;
}

export class Watches {
  readonly #kv: StateKv;
  readonly #topics = new Map<string, { readonly topic: Topic; readonly stream: Stream }>();
  readonly #streams = new Set<Stream>();

  constructor(kv: StateKv) {
    this.#kv = kv;
  }

  /** Throws `ERR_CAPACITY` when this host waits for too many keys already. */
  on(key: Deno.KvKey): Watch {
    const name = JSON.stringify(key);
    const { topic, stream } = this.#topics.get(name) ?? this.#add(name, key);
    let isChanged = false;
    let resume = () => {};
    const wake = () => {
      isChanged = true;
      resume();
    };
    topic.wake.add(wake);
    return {
      async changed(withinMs, signal) {
        signal.throwIfAborted();
        if (!isChanged) {
          await new Promise<void>((resolve, reject) => {
            const refuse = () => finish(() => reject(signal.reason));
            const timer = setTimeout(() => finish(resolve), withinMs);
            const finish = (end: () => void) => {
              clearTimeout(timer);
              signal.removeEventListener("abort", refuse);
              resume = () => {};
              end();
            };
            signal.addEventListener("abort", refuse);
            resume = () => finish(resolve);
          });
        }
        isChanged = false;
      },
      end: () => {
        topic.wake.delete(wake);
        if (topic.wake.size > 0) return;
        this.#topics.delete(name);
        stream.remove(topic);
      },
    };
  }

  #add(name: string, key: Deno.KvKey) {
    let stream = [...this.#streams].find(({ hasRoom }) => hasRoom);
    if (stream === undefined) {
      if (this.#streams.size >= KV_LIMITS.watchesMax) {
        throw new FaasletError("ERR_CAPACITY", "cannot wait for the lock: this host waits for too many others");
      }
      const made = new Stream(this.#kv, () => this.#streams.delete(made));
      this.#streams.add(stream = made);
    }
    const entry = { topic: { key, wake: new Set<() => void>(), versionstamp: undefined }, stream };
    this.#topics.set(name, entry);
    stream.add(entry.topic);
    return entry;
  }

  /** Resolves when all streams have ended; nobody waits any more. */
  async close(): Promise<void> {
    await Promise.all([...this.#streams].map(({ ended }) => ended));
  }
}

/** One watch of the store. It lives while it has topics. */
class Stream {
  readonly #kv: StateKv;
  readonly #topics = new Set<Topic>();
  readonly #whenEmpty: () => void;
  #reader: ReadableStreamDefaultReader<Deno.KvEntryMaybe<unknown>[]> | undefined;
  #interrupt: () => void = () => {};
  #ended: Promise<void> | undefined;
  /** Raised with each topic: the open stream does not have it. */
  #generation = 0;

  constructor(kv: StateKv, whenEmpty: () => void) {
    this.#kv = kv;
    this.#whenEmpty = whenEmpty;
  }

  get hasRoom(): boolean {
    return this.#topics.size < KV_LIMITS.keysPerWatchMax;
  }

  get ended(): Promise<void> {
    return this.#ended ?? Promise.resolve();
  }

  add(topic: Topic): void {
    this.#topics.add(topic);
    this.#reopen();
    this.#ended ??= this.#run();
  }

  remove(topic: Topic): void {
    this.#topics.delete(topic);
    if (this.#topics.size > 0) return;
    this.#whenEmpty();
    this.#reopen();
  }

  #reopen(): void {
    this.#generation++;
    this.#reader?.cancel().catch(() => {});
    this.#interrupt();
  }

  async #run(): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      if (this.#topics.size === 0) return;
      const generation = this.#generation;
      try {
        await this.#follow([...this.#topics], generation);
      } catch {
        await this.#pause(generation);
      }
    }
  }

  async #follow(topics: readonly Topic[], generation: number): Promise<void> {
    for (const topic of topics) topic.versionstamp = undefined;
    const reader = this.#kv.watch<unknown[]>(topics.map(({ key }) => key)).getReader();
    this.#reader = reader;
    try {
      while (this.#generation === generation) {
        const { done, value: entries } = await reader.read();
        if (done) return;
        for (const [at, { versionstamp }] of entries.entries()) {
          const topic = topics[at]!;
          if (topic.versionstamp === versionstamp) continue;
          topic.versionstamp = versionstamp;
          for (const wake of topic.wake) wake();
        }
      }
    } finally {
      this.#reader = undefined;
      await reader.cancel().catch(() => {});
    }
  }

  #pause(generation: number): Promise<void> {
    if (this.#generation !== generation) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, REOPEN_MS);
      this.#interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
