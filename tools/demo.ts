/**
 * `deno task demo`: a host of its own in a temporary directory, a C function and, where Go is installed, a Go function on
 * it, called with real input; then what a call costs that starts cold, from the Proto-Faaslet, and warm. Nothing is left
 * behind, also not by Ctrl-C. `--save FILE` keeps the thumbnail.
 */
import { join } from "node:path";
import { sizeOfJpeg } from "./demo/jpeg.ts";
import { faaslet, startHost } from "./demo/programs.ts";
import { type Costs, type Kind, measureStarts } from "./demo/starts.ts";
import { number, tableOf } from "./demo/table.ts";
import { ROOT } from "./project.ts";

const TEXT = "examples/wordfreq/opticks.txt";
const PHOTOGRAPH = "examples/thumbnail/grace_hopper.jpg";
const LINES_SHOWN = 6;
/** The thumbnail's longer side; what `thumbnail.go` makes unless it is told otherwise. */
const SIDE = 128;
const CALLS = 11;
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

interface Demo {
  readonly directory: string;
  readonly url: string;
  readonly signal: AbortSignal;
}

async function main(words: readonly string[]): Promise<number> {
  const saved = words[0] === "--save" && words.length === 2 ? words[1] : undefined;
  if (words.length > 0 && saved === undefined) {
    console.error("usage: deno task demo [--save FILE]");
    return 2;
  }
  let exitCode = 0;
  const stop = new AbortController();
  for (const [signal, code] of Object.entries(SIGNALS)) {
    Deno.addSignalListener(signal as keyof typeof SIGNALS, () => {
      exitCode = code;
      stop.abort(new Error("stopped"));
    });
  }
  try {
    await runIn(stop.signal, saved);
    console.log("\nThe host has ended and its directory is removed: nothing is left of this demo.");
    return 0;
  } catch (thrown) {
    console.error(`demo: ${thrown instanceof Error ? thrown.message : thrown}`);
    return exitCode || 1;
  }
}

async function runIn(signal: AbortSignal, saved: string | undefined): Promise<void> {
  await using cleanUp = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "faaslet-demo-" });
  cleanUp.defer(() => removeAll(directory));
  console.log("$ faaslet serve");
  const host = await startHost(directory, signal);
  cleanUp.defer(() => host.stop());
  console.log(`  a host at ${host.url}, for this demo alone`);
  await show({ directory, url: host.url, signal }, saved);
}

async function show(demo: Demo, saved: string | undefined): Promise<void> {
  const costs: [string, Record<Kind, Costs>][] = [];
  await deploy(demo, "C", ["examples/wordfreq/wordfreq.c"]);
  const answer = new TextDecoder().decode(await invoke(demo, "wordfreq", TEXT)).split("\n");
  console.log(answer.slice(0, LINES_SHOWN).map((line) => `  ${line}`).join("\n"));
  console.log(`  ... ${answer.length - 1 - LINES_SHOWN} more lines`);
  costs.push(["wordfreq", await measure(demo, "wordfreq", TEXT)]);
  if (await hasGo()) {
    await deploy(demo, "Go", ["examples/thumbnail/thumbnail.go", "--content-type", "image/jpeg"]);
    await showThumbnail(await invoke(demo, "thumbnail", PHOTOGRAPH), saved);
    costs.push(["thumbnail", await measure(demo, "thumbnail", PHOTOGRAPH)]);
  } else {
    console.log("\nGo is not installed, so its function is left out: https://go.dev/dl has it, 1.21 or newer.");
  }
  console.log(`\nWhat a call costs, in microseconds (medians of ${CALLS} calls each, in turns):\n`);
  console.log(tableOf(costs));
  console.log(
    "\n  cold: as the module was uploaded; proto: restored from its Proto-Faaslet; warm: used before, and reset to it",
  );
}

async function deploy({ directory, url, signal }: Demo, language: string, words: readonly string[]): Promise<void> {
  console.log(`\n$ faaslet deploy ${words.join(" ")}`);
  const started = performance.now();
  const { function: record } = JSON.parse(
    new TextDecoder().decode(await faaslet(directory, url, ["deploy", ...words, "--json"], signal)),
  );
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  console.log(
    `  a ${language} program of ${
      number(record.report.bytes)
    } bytes, built, checked, compiled and snapshotted in ${seconds} s`,
  );
}

async function invoke({ directory, url, signal }: Demo, name: string, input: string): Promise<Uint8Array> {
  console.log(`$ faaslet invoke ${name} -d @${input}`);
  return await faaslet(directory, url, ["invoke", name, "-d", `@${input}`], signal);
}

async function measure({ url, signal }: Demo, name: string, input: string): Promise<Record<Kind, Costs>> {
  return await measureStarts(`${url}/function/${name}`, await Deno.readFile(join(ROOT, input)), CALLS, signal);
}

/** Checks the picture's form and size; its content is the test's matter. */
async function showThumbnail(small: Uint8Array, saved: string | undefined): Promise<void> {
  const large = await Deno.readFile(join(ROOT, PHOTOGRAPH));
  const [from, to] = [sizeOfJpeg(large), sizeOfJpeg(small)];
  const longer = Math.max(from.width, from.height);
  const isRight = to.width === Math.floor(from.width * SIDE / longer) &&
    to.height === Math.floor(from.height * SIDE / longer);
  if (!isRight) {
    throw new Error(`the thumbnail has ${to.width} x ${to.height} pixels, which is not the photograph's form`);
  }
  console.log(`  the photograph: a JPEG of ${from.width} x ${from.height} pixels, ${number(large.length)} bytes`);
  console.log(`  the answer:     a JPEG of ${to.width} x ${to.height} pixels, ${number(small.length)} bytes`);
  if (saved === undefined) console.log("  `deno task demo --save thumbnail.jpg` keeps it");
  else {
    await Deno.writeFile(saved, small);
    console.log(`  saved as ${saved}`);
  }
}

async function hasGo(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("go", { args: ["version"], stdout: "null", stderr: "null" }).output();
    return success;
  } catch {
    return false;
  }
}

/** Tools that were ended a moment ago may still have written something meanwhile. */
async function removeAll(directory: string): Promise<void> {
  for (let attempt = 0;; attempt++) {
    try {
      return await Deno.remove(directory, { recursive: true });
    } catch (thrown) {
      if (attempt === REMOVALS_MAX) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const REMOVALS_MAX = 20;

if (import.meta.main) Deno.exit(await main(Deno.args));
