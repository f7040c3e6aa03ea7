/** Values between the tiers: a pull beside a bare listing of as many bytes, a push of a small part beside one of all. */
import type { Measured } from "./_state_memory.ts";
import { type BenchmarkHost, noise, TENANT } from "./_state_host.ts";
import { alternate, median, medianRatio } from "./_statistics.ts";

const CHUNK = 65_536;
const BYTES = 64 * 1_048_576;
const PAGE = 4_096;
const PART = 0.01;
const PULL_SHARE_MIN = 0.7;
const PUSH_TIME_MAX = 0.15;
const PUSH_BYTES_MAX = 0.05;
const KEY = "value";

export async function measurePull(host: BenchmarkHost, rounds: number): Promise<Measured> {
  const value = noise(BYTES);
  for (let index = 0; index < BYTES / CHUNK; index++) {
    await host.kv.set(["bare", index], value.subarray(index * CHUNK, (index + 1) * CHUNK));
  }
  await host.global.set({ tenant: TENANT, key: KEY }, value);
  const sides = {
    list: () => timed(async () => void (await Array.fromAsync(host.kv.list({ prefix: ["bare"] }), () => 0))),
    async pull() {
      await host.group.state.regionForget(KEY);
      return await timed(async () => void (await host.residency.bring(KEY, 0, BYTES / CHUNK)));
    },
  };
  await alternate(1, sides);
  const ms = await alternate(rounds, sides);
  const share = medianRatio(ms.list, ms.pull);
  const speed = (samples: number[]) => BYTES / 1_048_576 / median(samples) * 1_000;
  const figure = {
    what: "pull of a 64 MB value into a region",
    value: speed(ms.pull),
    unit: "MB/s",
    against: { what: "a bare kv.list of the same chunks", value: speed(ms.list), ratio: share },
    goal: { of: "ratio", atLeast: PULL_SHARE_MIN },
  } as const;
  const rows = [["pull", median(ms.pull)], ["bare listing", median(ms.list)]];
  return { figures: [figure], table: { title: "64 MB from a store in a file", head: ["", "ms"], rows }, raw: ms };
}

/** Both sides look through a value of which every page may have been changed, since it was mapped. */
export async function measurePush(host: BenchmarkHost, rounds: number): Promise<Measured> {
  const pages = BYTES / PAGE;
  const push = (count: number) => async () => {
    await host.run("touch", KEY, BYTES, count);
    const before = host.traffic.sent;
    const ms = await timed(async () => void (await host.residency.push(KEY)));
    return { ms, bytes: host.traffic.sent - before };
  };
  const sides = { all: push(pages), part: push(Math.ceil(pages * PART)) };
  await alternate(1, sides);
  const pushes = await alternate(rounds, sides);
  const of = (name: "all" | "part", what: "ms" | "bytes") => pushes[name].map((one) => one[what]);
  const figures = [
    ["bytes", "MB", 1 / 1_000_000, PUSH_BYTES_MAX],
    ["ms", "ms", 1, PUSH_TIME_MAX],
  ] as const;
  return {
    figures: figures.map(([what, unit, scale, atMost]) => ({
      what: `push of a 64 MB value after touching 1 % of it, ${what === "ms" ? "time" : "bytes"}`,
      value: median(of("part", what)) * scale,
      unit,
      against: {
        what: "after touching each page",
        value: median(of("all", what)) * scale,
        ratio: medianRatio(of("part", what), of("all", what)),
      },
      goal: { of: "ratio", atMost },
    })),
    table: {
      title: "Pushes of 64 MB",
      head: ["", "ms", "MB"],
      rows: (["all", "part"] as const).map((name) => [
        name === "all" ? "each page touched" : "1 % touched",
        median(of(name, "ms")),
        median(of(name, "bytes")) / 1_000_000,
      ]),
    },
    raw: pushes,
  };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
