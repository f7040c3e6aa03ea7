/** State that is on the host: pointers, what touching costs, the local lock. */
import type { Figure, Table } from "./_benchmark.ts";
import type { BenchmarkHost } from "./_state_host.ts";
import { median, quantile } from "./_statistics.ts";

const KIB = 1_024;
const MIB = 1_024 * KIB;
const PAGE = 4_096;
const SIZES: readonly (readonly [string, number])[] = [["4 KB", 4 * KIB], ["256 MB", 256 * MIB]];
const POINTER_US_MAX = 10;
const LOCK_NS_MAX = 200;
const LOCKS = 200_000;
/** As many pages of the larger value are touched. */
const PAGES = 1_024;

interface Pointers {
  readonly first: number;
  readonly pointer: number[];
  readonly touched: number[];
}

export interface Measured {
  readonly figures: readonly Figure[];
  readonly table: Table;
  readonly raw: unknown;
}

/** Pointers to values of which all is here; each call maps them anew, as the reset took the last mapping away. */
export async function measurePointers(host: BenchmarkHost, rounds: number): Promise<Measured> {
  const raw: Record<string, Pointers> = {};
  const empty: number[] = [];
  for (const [name, bytes] of SIZES) {
    // The value is made here by whoever asks for it first; that has to give each page its memory.
    const of: Pointers = { first: await host.run("map", name, bytes), pointer: [], touched: [] };
    const pages = Math.min(PAGES, bytes / PAGE);
    for (let round = 0; round < rounds; round++) {
      empty.push(await host.run("enter", name, bytes));
      of.pointer.push(await host.run("map", name, bytes));
      of.touched.push(await host.run("touch", name, bytes, pages));
    }
    raw[name] = of;
  }
  const enter = median(empty);
  const figures = SIZES.map(([name]): Figure => ({
    what: `read_state_ptr of ${name} that are on the host`,
    value: median(raw[name]!.pointer) - enter,
    unit: "us",
    goal: { of: "value", atMost: POINTER_US_MAX },
  }));
  const rows = SIZES.map(([name, bytes]) => {
    const { first, pointer, touched } = raw[name]!;
    const pages = Math.min(PAGES, bytes / PAGE);
    return [
      name,
      median(pointer) - enter,
      quantile(pointer, 0.9) - enter,
      median(touched) - median(pointer),
      pages,
      first,
    ];
  });
  const head = [
    "microseconds",
    "pointer p50",
    "p90",
    "first touch of pages",
    "pages",
    "pointer to a value that is made",
  ];
  const title = `Pointers to values on the host, over entering the guest (${enter.toFixed(1)} us)`;
  return { figures, table: { title, head, rows }, raw: { ...raw, empty } };
}

/** A guest that takes and frees a lock nobody else wants. */
export async function measureLocalLock(host: BenchmarkHost, rounds: number): Promise<Measured> {
  const ns: number[] = [];
  for (let round = 0; round < rounds; round++) ns.push(await host.run("lock", "lock", 0, LOCKS) * 1_000 / LOCKS);
  const figure: Figure = {
    what: "local lock taken and freed, uncontended",
    value: median(ns),
    unit: "ns",
    goal: { of: "value", atMost: LOCK_NS_MAX },
  };
  const rows = [["taken and freed", median(ns), Math.min(...ns)]];
  return { figures: [figure], table: { title: "Local lock", head: ["nanoseconds", "p50", "least"], rows }, raw: ns };
}
