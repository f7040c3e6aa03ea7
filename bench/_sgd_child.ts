/**
 * One training run in a process of its own: `_sgd_child.ts MODULE STORE MODE EXAMPLES WORKERS EPOCHS` answers one line, what it took.
 * MODE is `shared` (all workers on one host, weights and examples in its memory), `copies` (each worker on a host of its own, as if
 * in a container: weights and examples are its own, and go through the store), or `prepare`, which makes the data set.
 */
import { FaasletError } from "../errors.ts";
import { KvGlobalTier, openKv } from "../state/mod.ts";
import { StateHost } from "../tests/support/state_host.ts";
import { answerLines } from "./_child.ts";
import { countedKv } from "./_counted_kv.ts";

/** What a run took. */
export interface Trained {
  readonly seconds: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Regions of all hosts together, at their most. */
  readonly regionBytes: number;
  /** By how much the process grew, at its most; shared pages once. */
  readonly processBytes: number;
  readonly loss: number;
}

const WEIGHTS = "sgd/weights";
const SAMPLE_MS = 25;

const [module, store, mode, examples, workers, epochs] = Deno.args;
const wasm = await Deno.readFile(module!);
const { kv, traffic } = countedKv(await openKv(store!));
const global = new KvGlobalTier({ kv });
const shape = `${examples} ${workers} ${epochs}`;

await answerLines("ready", async () => {
  const hostCount = mode === "copies" ? Number(workers) : 1;
  const hosts = await Promise.all(Array.from({ length: hostCount }, () => {
    return StateHost.open(global, { wasm, group: { threadsMax: Number(workers) + 1 } });
  }));
  try {
    return await (mode === "prepare" ? ask(hosts[0]!, `prepare ${shape}`) : train(hosts));
  } finally {
    for (const host of hosts) await host[Symbol.asyncDispose]();
  }
});
await global.close();
kv.close();

async function train(hosts: readonly StateHost[]): Promise<Trained> {
  const before = { ...traffic, process: await processBytes() };
  const peak = { region: 0, process: 0 };
  let isOver = false;
  const sampling = (async () => {
    while (!isOver) {
      const totals = await Promise.all(hosts.map((host) => host.group.state.regionTotals()));
      peak.region = Math.max(peak.region, totals.reduce((sum, { bytes }) => sum + bytes, 0));
      peak.process = Math.max(peak.process, await processBytes() - before.process);
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    }
  })();
  const began = performance.now();
  for (let epoch = 0; epoch < Number(epochs); epoch++) {
    await Promise.all(Array.from({ length: Number(workers) }, (_, number) => {
      const words = `part ${shape} ${epoch} ${number} ${mode}`;
      return ask(hosts[number % hosts.length]!, words);
    }));
    if (mode === "shared") await hosts[0]!.residency.push(WEIGHTS);
  }
  const seconds = (performance.now() - began) / 1_000;
  isOver = true;
  await sampling;
  const { sent, received } = traffic;
  const said = await ask(hosts[0]!, `loss ${shape}`);
  return {
    seconds,
    sentBytes: sent - before.sent,
    receivedBytes: received - before.received,
    regionBytes: peak.region,
    processBytes: peak.process,
    loss: Number(/^loss ([\d.]+)/.exec(said)![1]),
  };
}

async function ask(host: StateHost, words: string): Promise<string> {
  const { status, returnValue, error, output } = await host.call({ input: new TextEncoder().encode(words) });
  if (status !== "ok" || returnValue !== 0) {
    throw new FaasletError(error?.code ?? "ERR_GUEST_EXIT", `${words}: ${status} ${returnValue} ${error?.message}`);
  }
  return new TextDecoder().decode(output);
}

/** Memory of this process, shared pages divided by those who map them. */
async function processBytes(): Promise<number> {
  const text = await Deno.readTextFile("/proc/self/smaps_rollup");
  return Number(/^Pss: +(\d+) kB$/m.exec(text)![1]) * 1_024;
}
