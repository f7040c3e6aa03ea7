/**
 * What every attack on a worker group has to leave as it was: the process, its descriptors, threads and memories, and a
 * bystander that runs in the same group meanwhile.
 */
import assert from "node:assert/strict";
import { type CallOutcome, type CallRequest, EmbeddedGroup, type InstallReport } from "../../runtime/mod.ts";
import { native } from "../../runtime/native/mod.ts";
import { guest, imageOf, type ImageOptions } from "./guests.ts";
import { until } from "./until.ts";

const BYSTANDER_ID = 1;
/** Generous: the machine is shared with others. */
const BYSTANDER_MS_MAX = 5_000;
const WORD = new TextEncoder().encode("bystander");

/** Registers a test that attacks a group of its own. */
export function attackTest(name: string, body: (attack: Attack) => Promise<void>, threadsMax = 64): void {
  Deno.test(name, async () => {
    await (warmed ??= warmUp());
    const before = census();
    const attack = new Attack(new EmbeddedGroup({ threadsMax }));
    try {
      await attack.group.install(imageOf(BYSTANDER_ID, guest("echo")));
      await attack.checkBystander();
      await body(attack);
      await attack.checkBystander();
    } finally {
      await attack.group.close();
    }
    await until(() => isBack(census(), before), `all is as before: ${Deno.inspect(before)}`).catch((thrown) => {
      throw new Error(`it is ${Deno.inspect(census())}`, { cause: thrown });
    });
  });
}

let warmed: Promise<void> | undefined;

/** What the add-on opens once and keeps for as long as the process lives is there before anybody counts. */
async function warmUp(): Promise<void> {
  const group = new EmbeddedGroup();
  await group.install(imageOf(BYSTANDER_ID, guest("echo")));
  await group.call({ id: 1, functionId: BYSTANDER_ID, input: WORD, timeoutMs: BYSTANDER_MS_MAX });
  await until(async () => (await group.stats()).resets > 0, "a Faaslet was reset");
  await group.close();
  await until(() => native.live().threads + native.live().memories === 0, "the group is gone");
}

/** A group under attack. */
export class Attack {
  readonly group: EmbeddedGroup;
  #functions = BYSTANDER_ID;
  #calls = 0;

  constructor(group: EmbeddedGroup) {
    this.group = group;
  }

  /** Installs `tests/guests/NAME.wat` or a binary; gives its id. */
  async install(wasm: string | Uint8Array, options: ImageOptions = {}): Promise<number> {
    return (await this.installed(wasm, options)).id;
  }

  /** The same with its report. */
  async installed(
    wasm: string | Uint8Array,
    options: ImageOptions = {},
  ): Promise<{ id: number; report: InstallReport }> {
    const id = ++this.#functions;
    const bytes = typeof wasm === "string" ? guest(wasm) : wasm;
    return { id, report: await this.group.install(imageOf(id, bytes, options)) };
  }

  /** A number for a call that is to be cancelled. */
  nextCall(): number {
    return ++this.#calls;
  }

  /** Calls; a fault of ours fails the test. */
  async call(functionId: number, request: Partial<CallRequest> = {}): Promise<CallOutcome> {
    const id = request.id ?? this.nextCall();
    const call = { id, functionId, input: new Uint8Array(0), timeoutMs: 60_000, ...request };
    const outcome = await this.group.call(call);
    assert.notEqual(outcome.error?.code, "ERR_BUG", outcome.error?.message);
    return outcome;
  }

  /** A function that has nothing to do with the attack gets its answer, and in time. */
  async checkBystander(): Promise<void> {
    const started = performance.now();
    const { status, output } = await this.call(BYSTANDER_ID, { input: WORD, timeoutMs: BYSTANDER_MS_MAX });
    assert.equal(status, "ok");
    assert.deepEqual(output, WORD);
    assert.ok(performance.now() - started < BYSTANDER_MS_MAX, "the bystander waits");
  }

  /** Calls on while `during` is under way. */
  async withBystander<T>(during: Promise<T>): Promise<T> {
    let isOver = false;
    const over = during.finally(() => isOver = true);
    // Nobody waits for it while the bystander is called.
    over.catch(() => {});
    do await this.checkBystander(); while (!isOver);
    return await over;
  }

  /** Runs `action`, and waits until so many Faaslets more than before were reset or dropped: the answer goes out first. */
  async settled(count: number, action: () => Promise<unknown>): Promise<{ resets: number; discarded: number }> {
    const before = await this.group.stats();
    await action();
    let now = before;
    await until(async () => {
      now = await this.group.stats();
      return now.resets + now.discarded - before.resets - before.discarded >= count;
    }, "the Faaslets are reset or dropped");
    return { resets: now.resets - before.resets, discarded: now.discarded - before.discarded };
  }
}

/** What must not grow from one attack to the next. */
export interface Census {
  readonly descriptors: number;
  readonly threads: number;
  readonly memories: number;
  readonly runningGuests: number;
}

/** Groups are not in it: a closed one is an empty shell, which goes with its JavaScript object. */
export function census(): Census {
  const { threads, memories, runningGuests } = native.live();
  return { threads, memories, runningGuests, descriptors: [...Deno.readDirSync("/proc/self/fd")].length };
}

function isBack(now: Census, before: Census): boolean {
  return Object.entries(before).every(([name, count]) => now[name as keyof Census] <= count);
}

/** Numbers as a guest reads them: 32 bits each, little-endian. */
export function words(...numbers: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(numbers.length * 4);
  const view = new DataView(bytes.buffer);
  numbers.forEach((number, at) => view.setUint32(at * 4, number >>> 0, true));
  return bytes;
}

/** The 32-bit numbers of an answer. */
export function numbersOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength >> 2 }, (_, at) => view.getUint32(at * 4, true));
}
