/**
 * H06, in a process of its own so that nobody else's memory is measured: runs guests that take all they can get and prints what the
 * process and its images had at most, as JSON.
 */
import { EmbeddedGroup } from "../../runtime/mod.ts";
import { assemble, guest, imageOf } from "./guests.ts";
import { until } from "./until.ts";

const QUOTA = Number(Deno.args[0]);
const PAGES = QUOTA / 65_536;
const SLACK = 8 * 1_024 * 1_024;
/** All of its memory from the start, and a byte of data in front. */
const DECLARES_ALL = `(module (memory (export "memory") ${PAGES}) (data (i32.const 0) "x")
  (func (export "main") (memory.fill (i32.const 0) (i32.const 0xa5) (i32.const ${QUOTA}))))`;

const group = new EmbeddedGroup({ threadsMax: 4 });
let calls = 0;
const call = (functionId: number, input = new Uint8Array(0)) =>
  group.call({ id: ++calls, functionId, input, timeoutMs: 60_000 });
await group.install(imageOf(1, guest("noop")));
await group.install(imageOf(2, guest("fill_all"), { limits: { memoryBytes: QUOTA } }));
await group.install(imageOf(3, assemble(DECLARES_ALL), { limits: { memoryBytes: QUOTA } }));
for (let round = 0; round < 100; round++) await call(1);

const measured = [];
for (const functionId of [2, 3]) {
  const before = memory("VmRSS");
  forgetPeak();
  const pages = [];
  for (let round = 0; round < 3; round++) {
    const { status, output, error } = await call(functionId);
    if (status !== "ok") throw new Error(`${functionId} ended as ${status}: ${error?.message}`);
    if (output.length > 0) pages.push(new DataView(output.buffer, output.byteOffset).getUint32(0, true));
  }
  const peak = memory("VmHWM");
  // The answer comes before the reset.
  await until(() => memory("VmRSS") <= before + SLACK, "the Faaslet is reset").catch(() => {});
  measured.push({ before, peak, after: memory("VmRSS"), images: imageBytes(), pages });
}
await group.close();
console.log(JSON.stringify(measured));

/** A line of /proc/self/status, bytes. */
function memory(name: string): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)![1]) * 1_024;
}

/** Begins to look for the highest resident size anew. */
function forgetPeak(): void {
  Deno.writeTextFileSync("/proc/self/clear_refs", "5");
}

/** What the memory images take: pages of unnamed files are in nobody's resident size until they are mapped. */
function imageBytes(): number {
  let bytes = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    const path = `/proc/self/fd/${name}`;
    const target = linkOf(path);
    if (target?.includes("faaslet-image")) bytes += (Deno.statSync(path).blocks ?? 0) * 512;
  }
  return bytes;
}

function linkOf(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return undefined;
  }
}
