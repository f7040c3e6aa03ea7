/** Asynchronous calls and records of synchronous ones, as the store keeps them. */
import { CALL_LIMITS } from "../limits.ts";
import type { CallKey, CallStore, RecordLog } from "../state/mod.ts";
import type { AsyncBodies, AsyncCall, AsyncCallStore, AsyncResult } from "./async_calls.ts";
import type { CallRecord } from "./call_record.ts";
import type { RecordStore } from "./call_recorder.ts";

const TEXT = new TextEncoder();
const NOTHING = new Uint8Array(0);

/** Asynchronous calls over a `CallStore`. */
export class StoredAsyncCalls implements AsyncCallStore {
  readonly #store: CallStore;

  constructor(store: CallStore) {
    this.#store = store;
  }

  async accept(call: AsyncCall, { input, environment }: AsyncBodies): Promise<string | undefined> {
    const parts = { input, environment: TEXT.encode(JSON.stringify(environment)) };
    return await this.#store.add(storedCall(call), parts, keyOf(call));
  }

  async update(call: AsyncCall, result?: AsyncResult): Promise<void> {
    if (result === undefined) return await this.#store.update(storedCall(call), {}, []);
    const { head, ...parts } = result;
    await this.#store.update(storedCall(call), head === undefined ? parts : { ...parts, head }, [
      "input",
      "environment",
    ]);
  }

  async remove(call: AsyncCall): Promise<void> {
    await this.#store.remove(call.tenant, call.callId, keyOf(call));
  }

  async *all(): AsyncGenerator<AsyncCall> {
    for await (const { document } of this.#store.all()) yield document as AsyncCall;
  }

  async bodies({ tenant, callId }: AsyncCall): Promise<AsyncBodies> {
    const [input, environment] = await Promise.all(
      ["input", "environment"].map((part) => this.#store.part(tenant, callId, part)),
    );
    if (input === undefined || environment === undefined) throw new Error("its input is gone");
    return { input, environment: JSON.parse(new TextDecoder().decode(environment)) };
  }

  async result({ tenant, callId }: AsyncCall): Promise<AsyncResult | undefined> {
    const [output, head, stdout, stderr] = await Promise.all(
      ["output", "head", "stdout", "stderr"].map((part) => this.#store.part(tenant, callId, part)),
    );
    return output && { output, head, stdout: stdout ?? NOTHING, stderr: stderr ?? NOTHING };
  }
}

/** Records of synchronous calls over a `RecordLog`. */
export class StoredRecords implements RecordStore {
  readonly #log: RecordLog;

  constructor(log: RecordLog) {
    this.#log = log;
  }

  async append(kind: "good" | "failed", records: readonly CallRecord[], nowMs: number): Promise<void> {
    for (const [tenant, own] of Map.groupBy(records, (record) => record.tenant)) {
      await this.#log.append(tenant, kind, linesOf(own), nowMs);
    }
  }

  async *read(): AsyncGenerator<CallRecord> {
    for await (const line of this.#log.read()) {
      const { stdout, stderr, ...record } = JSON.parse(line);
      yield { ...record, stdout: Uint8Array.fromBase64(stdout), stderr: Uint8Array.fromBase64(stderr) };
    }
  }
}

/** A line each. The newest keep their logs first: thousands of long ones a second would hold up everybody else. */
function linesOf(records: readonly CallRecord[]): string[] {
  let left: number = CALL_LIMITS.flushLogsBytesMax;
  const lines: string[] = [];
  for (const record of records.toReversed()) {
    const logs = [record.stdout, record.stderr].map((bytes) => {
      const kept = bytes.subarray(0, Math.min(CALL_LIMITS.flushLogBytesMax, left));
      left -= kept.length;
      return kept.toBase64();
    });
    lines.push(JSON.stringify({ ...record, stdout: logs[0], stderr: logs[1] }));
  }
  return lines.reverse();
}

/** What the store takes: undefined members are left out of a document anyway. */
function storedCall(call: AsyncCall) {
  return { tenant: call.tenant, id: call.callId, document: call };
}

function keyOf({ function: name, idempotencyKey: key }: AsyncCall): CallKey | undefined {
  return key === undefined ? undefined : { name, key };
}
