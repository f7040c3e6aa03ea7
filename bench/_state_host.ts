/** One host's state for benchmarks: a worker group, a residency, and a store whose traffic is counted. */
import { EmbeddedGroup } from "../runtime/mod.ts";
import { type GlobalTier, KvGlobalTier, openKv, Residency, ResidencyCalls, type StateKv } from "../state/mod.ts";
import { assemble } from "../tests/support/guests.ts";
import { countedKv, type Traffic } from "./_counted_kv.ts";
import { functionOf } from "./_guests.ts";

export const TENANT = "default";
const MIB = 1_048_576;
/** Room for the largest value that is mapped. */
const MEMORY_BYTES = 512 * MIB;

/** What the guest is told to do: the numbers of its input. */
export type Order = "map" | "touch" | "lock" | "enter";
const ORDERS: readonly Order[] = ["map", "touch", "lock", "enter"];

export class BenchmarkHost implements AsyncDisposable {
  readonly group = new EmbeddedGroup({ threadsMax: 4 });
  readonly kv: StateKv;
  readonly traffic: Traffic;
  readonly global: GlobalTier;
  readonly residency: Residency;
  readonly #directory: string;
  #lastId = 0;

  private constructor(directory: string, store: StateKv) {
    const { kv, traffic } = countedKv(store);
    this.#directory = directory;
    this.kv = store;
    this.traffic = traffic;
    this.global = new KvGlobalTier({ kv });
    this.residency = new Residency({ tenant: TENANT, local: this.group.state, global: this.global });
    const calls = new ResidencyCalls(this.residency, this.global, (answer) => this.group.answer(answer));
    const ended = new AbortController().signal;
    this.group.listen((ask) => {
      if (ResidencyCalls.isFor(ask)) calls.asked(ask, { tenant: TENANT, callId: String(ask.callId), ended });
    });
  }

  static async open(): Promise<BenchmarkHost> {
    const directory = await Deno.makeTempDir({ prefix: "faaslet-bench-" });
    const host = new BenchmarkHost(directory, await openKv(`${directory}/kv.sqlite3`));
    const limits = { memoryBytes: MEMORY_BYTES };
    await host.group.install(functionOf(1, assemble(GUEST), 1, { limits }));
    return host;
  }

  /**
   * Runs the guest on the value of `key`, of `bytes` bytes; microseconds by the add-on's clock, from before the guest is entered until
   * it has returned. `map`: asks for a pointer. `touch`: the same, then writes to the first `count` pages. `lock`: `count` times the
   * local lock taken and freed. `enter`: none of it.
   */
  async run(order: Order, key: string, bytes: number, count = 0): Promise<number> {
    const input = new Uint8Array(64);
    new Uint32Array(input.buffer, 0, 3).set([ORDERS.indexOf(order), bytes, count]);
    new TextEncoder().encodeInto(key, input.subarray(12, 63));
    const outcome = await this.group.call({ id: ++this.#lastId, functionId: 1, input, timeoutMs: 120_000 });
    if (outcome.status !== "ok") throw new Error(`a call ended ${outcome.status}: ${outcome.error?.message}`);
    return outcome.execUs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.group.close();
    await this.global.close();
    this.kv.close();
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** Bytes that do not compress. */
export function noise(bytes: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(all.subarray(at, at + 65_536));
  return all;
}

const GUEST = `(module
  (import "env" "__faasm_read_input" (func $read (param i32 i32) (result i32)))
  (import "env" "__faasm_read_state_ptr" (func $pointer (param i32 i32) (result i32)))
  (import "env" "__faasm_lock_state_write" (func $lock (param i32)))
  (import "env" "__faasm_unlock_state_write" (func $unlock (param i32)))
  (memory (export "memory") 1)
  (func (export "main") (result i32)
    (local $order i32) (local $count i32) (local $at i32)
    (drop (call $read (i32.const 0) (i32.const 64)))
    (local.set $order (i32.load (i32.const 0)))
    (local.set $count (i32.load (i32.const 8)))
    (if (i32.eq (local.get $order) (i32.const 2)) (then
      (loop $again
        (call $lock (i32.const 12))
        (call $unlock (i32.const 12))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $again (local.get $count)))
      (return (i32.const 0))))
    (if (i32.eq (local.get $order) (i32.const 3)) (then (return (i32.const 0))))
    (local.set $at (call $pointer (i32.const 12) (i32.load (i32.const 4))))
    (if (i32.eqz (local.get $order)) (then (return (i32.const 0))))
    (loop $next
      (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 1)))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (local.get $count)))
    (i32.const 0)))`;
