/**
 * Sessions: a host's one lease in the store. All that a host holds there for as long as it lives (global locks, chunks that no root
 * names yet) names its session; renewing that renews everything.
 *
 * No two clocks are compared. Whoever waits for a host to be dead watches its session for the whole length of a lease by his own
 * clock: a session that did not change in that time may be removed, in one commit with what is taken from it. A host that only
 * stood still finds its session gone and knows that it holds nothing any more.
 */
import { FaasletError } from "../errors.ts";
import { STATE_KEYS } from "./keys.ts";
import { type Kv, stored } from "./kv.ts";

/** A session is renewed this often while its lease runs. */
const RENEWALS_PER_LEASE = 3;
/** Sessions of others that are remembered; more hosts than this do not wait for one another. */
const WATCHED_MAX = 1_000;

/** A session that may be removed: unchanged since `versionstamp` for a lease, or, if that is null, gone already. */
export interface DeadSession {
  readonly id: string;
  readonly versionstamp: string | null;
}

interface Current {
  readonly id: string;
  versionstamp: string;
  renewedAtMs: number;
}

interface Seen {
  readonly versionstamp: string;
  readonly sinceMs: number;
}

export interface SessionsOptions {
  readonly kv: Kv;
  readonly leaseMs: number;
  /** Monotonic. */
  readonly now: () => number;
}

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #seen = new Map<string, Seen>();
  #opening: Promise<string> | undefined;
  #current: Current | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #renewing: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** This host's session; it is opened when it is first needed, and anew when it was lost. */
  async current(): Promise<string> {
    if (this.#isClosed) throw new FaasletError("ERR_DRAINING", "cannot open a session: shutting down");
    const { leaseMs, now } = this.#options;
    // Whoever stood still, say a machine that slept, asks before he takes anything under a session that may be gone.
    if (this.#current !== undefined && now() - this.#current.renewedAtMs > leaseMs) await this.#renewOnce();
    return await (this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined;
      throw error;
    }));
  }

  /** Whether `id` is this host's session and was not found lost. */
  isCurrent(id: string): boolean {
    return this.#current?.id === id;
  }

  async #open(): Promise<string> {
    const id = crypto.getRandomValues(new Uint8Array(12)).toHex();
    const { kv, leaseMs } = this.#options;
    const { versionstamp } = await stored(() => kv.set(STATE_KEYS.session(id), 0));
    this.#current = { id, versionstamp, renewedAtMs: this.#options.now() };
    this.#timer = setInterval(() => void this.#renewOnce(), leaseMs / RENEWALS_PER_LEASE);
    return id;
  }

  #renewOnce(): Promise<void> {
    return this.#renewing ??= this.#renew();
  }

  async #renew(): Promise<void> {
    const current = this.#current!;
    const askedAtMs = this.#options.now();
    try {
      const key = STATE_KEYS.session(current.id);
      const commit = this.#options.kv.atomic().check({ key, versionstamp: current.versionstamp }).set(key, 0);
      const result = await stored(() => commit.commit());
      if (result.ok) current.versionstamp = result.versionstamp;
      else if (await this.#isGone(current)) return this.#lose();
      current.renewedAtMs = askedAtMs;
    } catch {
      // The store does not answer: the next round tries again, and what is held is lost only if somebody takes it.
    } finally {
      this.#renewing = undefined;
    }
  }

  /** A renewal whose answer was lost took place: then the session is there, with a version that is not known yet. */
  async #isGone(current: Current): Promise<boolean> {
    const { versionstamp } = await stored(() => this.#options.kv.get(STATE_KEYS.session(current.id)));
    if (versionstamp !== null) current.versionstamp = versionstamp;
    return versionstamp === null;
  }

  #lose(): void {
    clearInterval(this.#timer);
    this.#current = this.#opening = undefined;
  }

  /** Looks at another host's session. Undefined: it lives, or was not watched for long enough to say. */
  async look(id: string): Promise<DeadSession | undefined> {
    if (this.isCurrent(id)) return undefined;
    const { kv, leaseMs, now } = this.#options;
    const { versionstamp } = await stored(() => kv.get(STATE_KEYS.session(id)));
    if (versionstamp === null) {
      this.#seen.delete(id);
      return { id, versionstamp };
    }
    const seen = this.#seen.get(id);
    if (seen?.versionstamp === versionstamp) {
      return now() - seen.sinceMs >= leaseMs ? { id, versionstamp } : undefined;
    }
    if (this.#seen.size >= WATCHED_MAX) this.#seen.delete(this.#seen.keys().next().value!);
    this.#seen.set(id, { versionstamp, sinceMs: now() });
    return undefined;
  }

  /** Adds to a commit that these sessions end with it; it fails if one of them was renewed. */
  bury(commit: Deno.AtomicOperation, dead: readonly DeadSession[]): Deno.AtomicOperation {
    for (const { id, versionstamp } of dead) {
      if (versionstamp === null) continue;
      const key = STATE_KEYS.session(id);
      commit.check({ key, versionstamp }).delete(key);
    }
    return commit;
  }

  /** Ends this host's session, and with it all that still names it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opening?.catch(() => {});
    clearInterval(this.#timer);
    await this.#renewing;
    const id = this.#current?.id;
    this.#current = undefined;
    if (id !== undefined) await stored(() => this.#options.kv.delete(STATE_KEYS.session(id)));
  }
}
