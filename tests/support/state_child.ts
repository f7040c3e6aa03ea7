/**
 * A host in a process of its own, that a test stops, lets go on and kills. Its orders come as arguments, what it did goes to standard
 * output, a line of JSON each, written before anything else is begun.
 */
import { FaasletError, toFaasletError } from "../../errors.ts";
import { KvGlobalTier, openKv, type StateVersion } from "../../state/mod.ts";
import { noise, pieces } from "./bytes.ts";
import { intercepted } from "./kv_proxies.ts";
import { seeded } from "./long.ts";

export interface ChildOrders {
  readonly store: string;
  readonly leaseMs: number;
  /** The process kills itself before this operation on the store; 0: never. */
  readonly dieAt?: number;
  readonly task: Task;
}

export type Task =
  | {
    readonly kind: "write";
    readonly how: "set" | "stream" | "part" | "delete";
    readonly bytes: number;
    readonly seed: number;
  }
  | { readonly kind: "increment"; readonly times: number; readonly isLocked: boolean }
  | { readonly kind: "hold" }
  | { readonly kind: "history"; readonly operations: number; readonly seed: number; readonly keys: number };

/** One operation of a history, as its process saw it. Times are milliseconds of one clock of the machine. */
export interface Step {
  readonly id: string;
  readonly key: string;
  readonly kind: "read" | "write" | "swap";
  /** What a write puts there. */
  readonly value?: string;
  /** What a swap found before, and asks to be there still. */
  readonly before?: string;
}

export type Line =
  | { readonly say: "invoke"; readonly atMs: number; readonly step: Step }
  /** `value`: what a read found; `false`: a swap that was refused. */
  | {
    readonly say: "done";
    readonly atMs: number;
    readonly id: string;
    readonly value?: string;
    readonly isRefused?: boolean;
  }
  | { readonly say: "acked" }
  | { readonly say: "locked"; readonly token: string }
  | { readonly say: "failed"; readonly code: string }
  | { readonly say: "end"; readonly operations: number };

const KEY = { tenant: "tests", key: "value" } as const;

async function main(orders: ChildOrders): Promise<void> {
  let operations = 0;
  const store = await openKv(orders.store);
  const kv = intercepted(store, () => {
    if (++operations === orders.dieAt) Deno.kill(Deno.pid, "SIGKILL");
  });
  const tier = new KvGlobalTier({ kv, leaseMs: orders.leaseMs, graceMs: 0 });
  try {
    await run(tier, orders.task);
  } catch (thrown) {
    say({ say: "failed", code: toFaasletError(thrown).code });
  }
  await tier.close();
  say({ say: "end", operations });
  store.close();
}

function run(tier: KvGlobalTier, task: Task): Promise<unknown> {
  switch (task.kind) {
    case "write": {
      const bytes = noise(task.bytes, task.seed);
      if (task.how === "set") return tier.set(KEY, bytes);
      if (task.how === "stream") return tier.set(KEY, pieces(bytes, 100_000));
      return task.how === "part" ? tier.write(KEY, 70_000, bytes) : tier.delete(KEY);
    }
    case "increment":
      return increment(tier, task.times, task.isLocked);
    case "hold":
      return hold(tier);
    case "history":
      return history(tier, task);
  }
}

/** Counts up in one value: by versions, or under the lock. */
async function increment(tier: KvGlobalTier, times: number, isLocked: boolean): Promise<void> {
  for (let done = 0; done < times;) {
    const lock = isLocked ? await tier.lock(KEY, "write") : undefined;
    try {
      if (lock !== undefined) say({ say: "locked", token: lock.token });
      const found = await tier.get(KEY);
      const next = Number(new TextDecoder().decode(found?.bytes ?? new Uint8Array(0))) + 1;
      const condition = lock === undefined ? { ifVersion: found?.head.version ?? null } : { under: lock };
      await tier.set(KEY, new TextEncoder().encode(String(next)), condition);
      say({ say: "acked" });
      done++;
    } catch (thrown) {
      const { code } = toFaasletError(thrown);
      if (code !== "ERR_PRECONDITION" && code !== "ERR_LOCK_LOST") throw thrown;
      if (code === "ERR_LOCK_LOST") say({ say: "failed", code });
    } finally {
      await lock?.release();
    }
  }
}

/** Holds the lock, and writes under it when told to. */
async function hold(tier: KvGlobalTier): Promise<void> {
  const lock = await tier.lock(KEY, "write");
  say({ say: "locked", token: lock.token });
  await Deno.stdin.read(new Uint8Array(1));
  await tier.set(KEY, noise(10, 1), { under: lock });
  say({ say: "acked" });
}

async function history(tier: KvGlobalTier, task: Task & { kind: "history" }): Promise<void> {
  const random = seeded(task.seed);
  const seen = new Map<string, { value: string; version: StateVersion | null }>();
  for (let count = 0; count < task.operations; count++) {
    const name = `k${Math.floor(random() * task.keys)}`;
    const key = { tenant: "tests", key: name };
    const id = `${Deno.pid}-${count}`;
    const known = seen.get(name);
    const choice = random();
    if (choice < 0.4 || known === undefined) {
      begin({ id, key: name, kind: "read" });
      const found = await tier.get(key);
      const value = new TextDecoder().decode(found?.bytes ?? new Uint8Array(0));
      seen.set(name, { value, version: found?.head.version ?? null });
      say({ say: "done", atMs: nowMs(), id, value });
    } else if (choice < 0.6) {
      begin({ id, key: name, kind: "write", value: id });
      await tier.set(key, new TextEncoder().encode(id));
      say({ say: "done", atMs: nowMs(), id });
    } else {
      begin({ id, key: name, kind: "swap", value: id, before: known.value });
      const isRefused = await tier.set(key, new TextEncoder().encode(id), { ifVersion: known.version })
        .then(() => false, (thrown) => {
          if (thrown instanceof FaasletError && thrown.code === "ERR_PRECONDITION") return true;
          throw thrown;
        });
      say({ say: "done", atMs: nowMs(), id, isRefused });
    }
  }
}

function begin(step: Step): void {
  say({ say: "invoke", atMs: nowMs(), step });
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function say(line: Line): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

if (import.meta.main) await main(JSON.parse(Deno.args[0]!));
