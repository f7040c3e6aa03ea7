/** Upper bounds of the buckets, microseconds: from a warm call's few up to the longest default deadline. */
export const BUCKET_BOUNDS_US: readonly number[] = [
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1_000,
  2_500,
  5_000,
  10_000,
  50_000,
  100_000,
  500_000,
  1_000_000,
  5_000_000,
  10_000_000,
  60_000_000,
];

/** Counts durations; an observation costs nanoseconds, and rendering is left to whoever asks. */
export class Histogram {
  /** One more than there are bounds: the last bucket has none. */
  readonly #buckets = new Float64Array(BUCKET_BOUNDS_US.length + 1);
  #sumUs = 0;
  #count = 0;

  observe(us: number): void {
    let at = 0;
    while (at < BUCKET_BOUNDS_US.length && us > BUCKET_BOUNDS_US[at]!) at++;
    this.#buckets[at]!++;
    this.#sumUs += us;
    this.#count++;
  }

  snapshot(): HistogramSnapshot {
    return { buckets: [...this.#buckets], sumUs: this.#sumUs, count: this.#count };
  }
}

export interface HistogramSnapshot {
  /** Observations in each bucket, not cumulated; the last one has no upper bound. */
  readonly buckets: readonly number[];
  readonly sumUs: number;
  readonly count: number;
}
