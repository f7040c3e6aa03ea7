/**
 * From JavaScript to a Faaslet that is warm and back: what a call costs beside what the guest does.
 *
 * @module
 */
import { EmbeddedGroup } from "../runtime/mod.ts";
import type { Benchmark, BenchmarkContext, Report } from "./_benchmark.ts";
import { functionOf, guest } from "./_guests.ts";
import { alternate, median, type Summary, summary } from "./_statistics.ts";

export const roundTrip: Benchmark = {
  name: "round-trip",
  summary: "JavaScript to a warm Faaslet and back",
  run,
};

const P50_US_MAX = 30;
const PER_SECOND_MIN = 80_000;
const IN_FLIGHT = [16, 64, 256] as const;

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  await using group = new WarmGroup();
  await group.open();
  note("one at a time, and pipelined");
  const rounds = isQuick ? 3 : 9;
  const calls = isQuick ? 20_000 : 100_000;
  const pipelined = Object.fromEntries(IN_FLIGHT.map((inFlight) => [
    inFlight,
    async () => await group.perSecond(calls, inFlight),
  ]));
  const [single, rates] = [
    await alternate(rounds, { one: () => group.oneAtATime(isQuick ? 2_000 : 10_000) }),
    await alternate(rounds, pipelined),
  ];
  const middle = (pick: (round: Summary) => number) => median(single.one.map(pick));
  const best = Math.max(...Object.values(rates).map(median));
  return {
    figures: [
      {
        what: "one at a time, p50",
        value: middle((round) => round.p50),
        unit: "us",
        goal: { of: "value", atMost: P50_US_MAX },
      },
      { what: "one at a time, p99", value: middle((round) => round.p99), unit: "us" },
      { what: "pipelined", value: best, unit: "calls/s", goal: { of: "value", atLeast: PER_SECOND_MIN } },
    ],
    tables: [{
      title: "Pipelined, medians of rounds",
      head: ["calls in flight", "calls/s"],
      rows: IN_FLIGHT.map((inFlight) => [String(inFlight), median(rates[inFlight]!)]),
    }],
    skipped: [],
    raw: { oneAtATimeUs: single.one, callsPerSecond: rates },
  };
}

class WarmGroup {
  readonly #group = new EmbeddedGroup();
  readonly #input = new Uint8Array(0);
  #lastId = 0;

  async open(): Promise<void> {
    await this.#group.install(functionOf(1, guest("noop"), 64));
    await this.#group.warm(1, 64);
    await this.perSecond(20_000, 64);
  }

  async oneAtATime(calls: number): Promise<Summary> {
    const times: number[] = [];
    for (let call = 0; call < calls; call++) {
      const began = performance.now();
      await this.#call();
      times.push((performance.now() - began) * 1_000);
    }
    return summary(times);
  }

  async perSecond(calls: number, inFlight: number): Promise<number> {
    let left = calls;
    const lane = async () => {
      while (left-- > 0) await this.#call();
    };
    const began = performance.now();
    await Promise.all(Array.from({ length: inFlight }, lane));
    return calls / ((performance.now() - began) / 1_000);
  }

  async #call(): Promise<void> {
    const id = this.#lastId = this.#lastId % 0xffff_ffff + 1;
    const outcome = await this.#group.call({ id, functionId: 1, input: this.#input, timeoutMs: 10_000 });
    if (outcome.status !== "ok") throw new Error(`a call ended ${outcome.status}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#group.close();
  }
}
