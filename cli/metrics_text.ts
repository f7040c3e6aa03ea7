/** Numbers out of the Prometheus text format: as much of it as our own host writes. */

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metrics {
  /** Of all samples with that name, or of those whose labels fit. 0 when there is none. */
  sum(name: string, fits?: (labels: Readonly<Record<string, string>>) => boolean): number;
  samples(name: string): readonly Sample[];
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads a scrape; lines that are none of it are left out. */
export function readMetrics(text: string): Metrics {
  const byName = new Map<string, Sample[]>();
  for (const line of text.split("\n")) {
    const [, name, labels = "", value] = LINE.exec(line) ?? [];
    if (name === undefined) continue;
    const sample = { labels: labelsOf(labels), value: Number(value) };
    byName.set(name, [...byName.get(name) ?? [], sample]);
  }
  const samples = (name: string) => byName.get(name) ?? [];
  return {
    samples,
    sum: (name, fits = () => true) =>
      samples(name).filter(({ labels }) => fits(labels)).reduce((sum, { value }) => sum + value, 0),
  };
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name, value] of text.matchAll(LABEL)) {
    labels[name!] = value!.replaceAll("\\n", "\n").replaceAll('\\"', '"').replaceAll("\\\\", "\\");
  }
  return labels;
}
