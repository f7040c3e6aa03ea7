/** What a benchmark is and what it finds out. */

/** What a figure has to be: its own value, or its ratio to what it is compared with. */
export interface Goal {
  readonly of: "value" | "ratio";
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** One number that somebody promised or wants to know. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, measured in the same run; `ratio` when it is not simply the quotient of both. */
  readonly against?: { readonly what: string; readonly value: number; readonly ratio?: number };
  readonly goal?: Goal;
}

/** Figures that belong side by side. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

export interface Report {
  readonly figures: readonly Figure[];
  readonly tables: readonly Table[];
  /** What was left out, and why: `NAME: why`. */
  readonly skipped: readonly string[];
  /** What the figures were made from; JSON. */
  readonly raw: unknown;
}

export interface BenchmarkContext {
  /** Fewer and shorter rounds: to see that all works, not to quote. */
  readonly isQuick: boolean;
  /** Says something to whoever waits. */
  note(text: string): void;
}

export interface Benchmark {
  readonly name: string;
  /** One line: what is measured. */
  readonly summary: string;
  run(context: BenchmarkContext): Promise<Report>;
}

/** The figure's ratio to what it is compared with. */
export function ratioOf({ value, against }: Figure): number | undefined {
  return against === undefined ? undefined : against.ratio ?? value / against.value;
}

/** Whether the goal is met; undefined without one. */
export function isMet(figure: Figure): boolean | undefined {
  const { goal, value } = figure;
  if (goal === undefined) return undefined;
  const measured = goal.of === "value" ? value : ratioOf(figure);
  if (measured === undefined) throw new Error(`${figure.what}: a goal for a ratio to nothing`);
  return measured <= (goal.atMost ?? Infinity) && measured >= (goal.atLeast ?? -Infinity);
}
