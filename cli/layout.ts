/** Where a module's bytes go, as rows for people. */
import { showBytes } from "./units.ts";

/** What `layoutModule` gives, as far as it is shown here. */
export interface Layout {
  readonly sections: readonly { name: string; offset: number; bytes: number }[];
  readonly data: readonly {
    mode: "active" | "passive";
    offset: number | null;
    expression?: string;
    bytes: number;
    nonZeroBytes: number;
  }[];
  readonly memory: { bytes: number; hostPagesUsed: number } | null;
  readonly marks: readonly { name: string; value: number }[];
}

/** What the memory holds once it has started, and what of it is kept. */
export interface SnapshotSize {
  readonly memoryBytes: number;
  readonly snapshotBytes: number;
}

const HOST_PAGE_BYTES = 4_096;
const SEGMENTS_SHOWN_MAX = 16;

/** Rows: the file's sections, where its data goes, the memory at its start and in the snapshot. */
export function layoutRows({ sections, data, memory, marks }: Layout, snapshot: SnapshotSize): string[][] {
  const shown = data.slice(0, SEGMENTS_SHOWN_MAX);
  const more = data.length - shown.length;
  return [
    ["IN THE FILE", "AT", "BYTES"],
    ...sections.map(({ name, offset, bytes }) => [name, hex(offset), String(bytes)]),
    ["IN MEMORY", "AT", "BYTES"],
    ...shown.map(({ mode, offset, expression, bytes, nonZeroBytes }) => [
      `${mode} data`,
      offset === null ? expression ?? "where code puts it" : hex(offset),
      `${bytes}, ${nonZeroBytes} not zero`,
    ]),
    ...(more > 0 ? [["data", "", `${more} more segments`]] : []),
    ...marks.map(({ name, value }) => [name, hex(value), ""]),
    ["IN ALL", "", "BYTES"],
    ...(memory === null ? [["memory at the start", "", "none"]] : [
      ["memory at the start", "", `${memory.bytes}, ${showBytes(memory.hostPagesUsed * HOST_PAGE_BYTES)} in use`],
    ]),
    ["memory after the initialiser", "", String(snapshot.memoryBytes)],
    ["snapshot", "", `${snapshot.snapshotBytes} not zero, in chunks`],
  ];
}

function hex(offset: number): string {
  return `0x${offset.toString(16)}`;
}
