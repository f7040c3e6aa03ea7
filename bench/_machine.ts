/** What a result was measured on: the class of the machine, nothing that names it. */
import { VERSION } from "../version.ts";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly hugePages: string;
  readonly deno: string;
  readonly faaslet: string;
}

export async function describeMachine(): Promise<Machine> {
  const processor = /^model name\s*: (.+)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1] ?? Deno.build.arch;
  const hugePages = await Deno.readTextFile("/sys/kernel/mm/transparent_hugepage/enabled").catch(() => "none");
  return {
    processor,
    cores: navigator.hardwareConcurrency,
    memoryGiB: Math.round(Deno.systemMemoryInfo().total / 2 ** 30),
    // Without what distributors and machines add to it.
    kernel: /^[\d.]+/.exec(Deno.osRelease())?.[0] ?? "unknown",
    hugePages: /\[(\w+)\]/.exec(hugePages)?.[1] ?? "none",
    deno: Deno.version.deno,
    faaslet: VERSION,
  };
}

/** Work that others wanted done, in the last minute: a figure of a busy machine says so. */
export function load(): number {
  return Deno.loadavg()[0]!;
}
