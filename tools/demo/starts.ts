/** What a call costs by how its Faaslet comes to be. */

export const KINDS = ["cold", "proto", "warm"] as const;
export type Kind = (typeof KINDS)[number];

/** Medians, microseconds. */
export interface Costs {
  /** Making the Faaslet ready, as the host measured it. */
  readonly startUs: number;
  /** Inside the guest, as the host measured it. */
  readonly execUs: number;
  /** From the request to the whole answer, as a client saw it. */
  readonly wholeUs: number;
}

/** A warm start needs a Faaslet whose reset is over: it may not be there at the first attempt. */
const ATTEMPTS_PER_CALL = 10;

/** Calls the function in turns with each kind of start until there are `calls` of each. */
export async function measureStarts(
  url: string,
  input: Uint8Array<ArrayBuffer>,
  calls: number,
  signal: AbortSignal,
): Promise<Record<Kind, Costs>> {
  const found: Record<Kind, Costs[]> = { cold: [], proto: [], warm: [] };
  for (let attempt = 0; KINDS.some((kind) => found[kind].length < calls); attempt++) {
    if (attempt > calls * ATTEMPTS_PER_CALL) throw new Error("cannot measure: the host gives no start of each kind");
    for (const asked of KINDS) {
      const { kind, ...costs } = await call(url, input, asked, signal);
      if (found[kind].length < calls) found[kind].push(costs);
    }
  }
  return { cold: mediansOf(found.cold), proto: mediansOf(found.proto), warm: mediansOf(found.warm) };
}

async function call(url: string, body: Uint8Array<ArrayBuffer>, asked: Kind, signal: AbortSignal) {
  const started = performance.now();
  const response = await fetch(url, { method: "POST", headers: { "x-start": asked }, body, signal });
  await response.arrayBuffer();
  const wholeUs = (performance.now() - started) * 1_000;
  if (!response.ok) throw new Error(`cannot measure: the call ended with ${response.status}`);
  const kind = response.headers.get("x-start") as Kind;
  const timing = response.headers.get("server-timing") ?? "";
  return { kind, startUs: microseconds(timing, "start"), execUs: microseconds(timing, "exec"), wholeUs };
}

/** `Server-Timing` counts milliseconds. */
function microseconds(timing: string, name: string): number {
  const found = new RegExp(`\\b${name};dur=([\\d.]+)`).exec(timing);
  if (found === null) throw new Error(`cannot measure: the answer does not say how long ${name} took`);
  return Number(found[1]) * 1_000;
}

function mediansOf(costs: readonly Costs[]): Costs {
  const median = (name: keyof Costs) => {
    const values = costs.map((one) => one[name]).sort((a, b) => a - b);
    return values[Math.floor(values.length / 2)]!;
  };
  return { startUs: median("startUs"), execUs: median("execUs"), wholeUs: median("wholeUs") };
}
