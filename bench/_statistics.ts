/** The few statistics that benchmarks need: this class of machine is noisy, so medians, and sides that take turns. */

/** What a list of samples looks like. */
export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** The value below which a share of the samples lies, between two of them in proportion. Throws without samples. */
export function quantile(samples: readonly number[], share: number): number {
  return quantileOfSorted(ascending(samples), share);
}

/** The middle one. */
export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

export function summary(samples: readonly number[]): Summary {
  const sorted = ascending(samples);
  return {
    count: sorted.length,
    min: quantileOfSorted(sorted, 0),
    p50: quantileOfSorted(sorted, 0.5),
    p90: quantileOfSorted(sorted, 0.9),
    p99: quantileOfSorted(sorted, 0.99),
    max: quantileOfSorted(sorted, 1),
  };
}

/**
 * Runs all sides once a round, one after another, each round beginning with another side: what disturbs the machine for a
 * while disturbs all of them. Gives each side's results, one a round.
 */
export async function alternate<Name extends string, T>(
  rounds: number,
  sides: Readonly<Record<Name, () => Promise<T>>>,
): Promise<Record<Name, T[]>> {
  const names = Object.keys(sides) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, [] as T[]])) as unknown as Record<Name, T[]>;
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length]!;
      results[name].push(await sides[name]());
    }
  }
  return results;
}

/** The median of the rounds' ratios: both sides of a ratio saw the same disturbance. Throws unless the rounds match. */
export function medianRatio(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length) throw new Error(`cannot pair ${ours.length} rounds with ${theirs.length}`);
  return median(ours.map((value, round) => value / theirs[round]!));
}

function ascending(samples: readonly number[]): number[] {
  return [...samples].sort((a, b) => a - b);
}

function quantileOfSorted(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) throw new Error("cannot describe no samples");
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}
