/**
 * One process full of idle Faaslets, asked by `memory.ts` and `capacity.ts`: `MODULE IDLE [ENTRY]`. It answers
 * `warm N` and `use N` with what it holds and what the machine has left then.
 */
import { FaasletError } from "../errors.ts";
import { EmbeddedGroup } from "../runtime/mod.ts";
import { functionOf } from "./_guests.ts";
import { answerLines } from "./_child.ts";
import { median } from "./_statistics.ts";

/** What a process holds, in KiB. */
export interface Held {
  readonly idle: number;
  /** Of the machine: what all that the kernel keeps for this process has taken is gone from it. */
  readonly availableKiB: number;
  /** Of the process: anonymous memory and page tables. */
  readonly ownKiB: number;
  readonly mappings: number;
  /** What the group said when it could not go on. */
  readonly refusal?: { readonly code: string; readonly message: string };
}

/** Calls at once while Faaslets are used; not many, since each has a thread with a stack of its own. */
const USERS = 4;

const [path = "", idleMax = "0", entry, ...words] = Deno.args;
const group = new EmbeddedGroup({ threadsMax: USERS });
const image = functionOf(1, await Deno.readFile(path), Number(idleMax), {
  ...(entry ? { entry } : {}),
  image: { arguments: words },
});
await group.install(image);
let lastId = 0;

await answerLines(await held(), async (question) => {
  const [verb, count] = question.split(" ");
  try {
    if (verb === "warm") await group.warm(1, Number(count));
    else if (verb === "use") await use(Number(count));
    else if (verb === "call") await call();
    else throw new Error(`cannot ${verb}`);
  } catch (thrown) {
    if (!(thrown instanceof FaasletError)) throw thrown;
    return await held(thrown);
  }
  return await held();
});
await group.close();

/** Makes Faaslets by calls, until so many are idle that have served one each. */
async function use(idle: number): Promise<void> {
  let left = idle - (await group.stats()).idleFaaslets;
  const lane = async () => {
    while (left-- > 0) await call("proto");
  };
  await Promise.all(Array.from({ length: USERS }, lane));
  while ((await group.stats()).idleFaaslets < idle) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function call(start: "proto" | "warm" = "warm"): Promise<void> {
  const outcome = await group.call({ id: ++lastId, functionId: 1, input: new Uint8Array(0), timeoutMs: 60_000, start });
  if (outcome.status !== "ok") throw new Error(`a call ended ${outcome.status}: ${outcome.error?.message}`);
}

async function held(refusal?: FaasletError): Promise<Held> {
  // The kernel counts for each processor apart and adds up now and then.
  const readings: number[] = [];
  for (let reading = 0; reading < 15; reading++) {
    readings.push(kiB("/proc/meminfo", "MemAvailable"));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    idle: (await group.stats()).idleFaaslets,
    availableKiB: median(readings),
    ownKiB: kiB("/proc/self/status", "RssAnon") + kiB("/proc/self/status", "VmPTE"),
    mappings: Deno.readTextFileSync("/proc/self/maps").split("\n").length - 1,
    ...(refusal && { refusal: { code: refusal.code, message: refusal.message } }),
  };
}

function kiB(path: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(Deno.readTextFileSync(path));
  if (found === null) throw new Error(`${path} has no ${name}`);
  return Number(found[1]);
}
