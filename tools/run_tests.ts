/**
 * `deno task test`: everything that must be green, in the order in which it fails fastest. `--long` runs the tests' full
 * counts instead of their short, seeded forms. Ends with one line, `N passed, N failed, N skipped`.
 */
import { cargoTarget } from "./cargo.ts";
import { type Check, CHECKS } from "./checks.ts";
import { NATIVE, ROOT } from "./project.ts";

/** What one step counted. */
interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

interface Step {
  readonly name: string;
  readonly words: readonly string[];
  readonly directory: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Reads the runner's own count; a step without one counts as one test. */
  readonly count?: (said: string) => Count | undefined;
}

/** Words that a test prints when it leaves something out; each is shown again at the end. */
const SKIPPED = /^skipped: .+$/gm;
const ESCAPES = new RegExp(String.raw`\u001b\[[0-9;]*m`, "g");

function stepsOf(isLong: boolean): Step[] {
  const cargo = { CARGO_TARGET_DIR: cargoTarget(), ...(isLong && { FAASLET_TEST_LONG: "1" }) };
  const checks = CHECKS.map((check: Check): Step => ({ ...check, environment: cargo }));
  return [
    // First, since Deno says on standard error what it fetches, and tests of the command line read that of its processes.
    { name: "packages", words: [Deno.execPath(), "install", "--quiet", "--frozen"], directory: ROOT },
    ...checks,
    {
      name: "tests in Rust",
      words: ["cargo", "test", "--release", "--locked", "--workspace", "--quiet"],
      directory: NATIVE,
      environment: cargo,
      count: countCargo,
    },
    {
      name: "tests in TypeScript",
      words: [Deno.execPath(), "test", "-A", "--frozen", "--doc", "--no-check", "--quiet"],
      directory: ROOT,
      environment: isLong ? { FAASLET_TEST_LONG: "1" } : {},
      count: countDeno,
    },
  ];
}

/** Runs a step with its output shown as it comes, and counts. */
async function run({ name, words, directory, environment, count }: Step): Promise<Count & { notes: string[] }> {
  const started = performance.now();
  console.log(`== ${name}`);
  const child = new Deno.Command(words[0]!, {
    args: words.slice(1),
    cwd: directory,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...(environment !== undefined && { env: { ...environment } }),
  }).spawn();
  const [out, errors, { success }] = await Promise.all([
    follow(child.stdout, Deno.stdout),
    follow(child.stderr, Deno.stderr),
    child.status,
  ]);
  const said = (out + errors).replace(ESCAPES, "");
  console.log(`== ${name}: ${success ? "ok" : "FAILED"} (${((performance.now() - started) / 1_000).toFixed(0)} s)\n`);
  const counted = count?.(said) ?? { passed: success ? 1 : 0, failed: success ? 0 : 1, skipped: 0 };
  // A runner that died counts nothing of it.
  if (!success && counted.failed === 0) counted.failed = 1;
  return { ...counted, notes: said.match(SKIPPED) ?? [] };
}

async function follow(stream: ReadableStream<Uint8Array>, shown: { writeSync(bytes: Uint8Array): number }) {
  const text = new TextDecoder();
  let said = "";
  for await (const bytes of stream) {
    for (let at = 0; at < bytes.length;) at += shown.writeSync(bytes.subarray(at));
    said += text.decode(bytes, { stream: true });
  }
  return said;
}

function countDeno(said: string): Count | undefined {
  const line = /^(?:ok|FAILED) \| (.+) \([^()]*\)$/m.exec(said)?.[1];
  if (line === undefined) return undefined;
  const number = (what: string) => Number(new RegExp(String.raw`(\d+) ${what}`).exec(line)?.[1] ?? 0);
  return { passed: number("passed"), failed: number("failed"), skipped: number("ignored") };
}

function countCargo(said: string): Count | undefined {
  const results = [...said.matchAll(/^test result: .+? (\d+) passed; (\d+) failed; (\d+) ignored/gm)];
  if (results.length === 0) return undefined;
  const sum = (at: number) => results.reduce((total, result) => total + Number(result[at]), 0);
  return { passed: sum(1), failed: sum(2), skipped: sum(3) };
}

const total: Count = { passed: 0, failed: 0, skipped: 0 };
const notes: string[] = [];
const failed: string[] = [];
for (const step of stepsOf(Deno.args.includes("--long"))) {
  const count = await run(step);
  total.passed += count.passed;
  total.failed += count.failed;
  total.skipped += count.skipped;
  notes.push(...count.notes);
  if (count.failed > 0) failed.push(step.name);
}
for (const note of notes) console.log(note);
for (const name of failed) console.log(`failed: ${name}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
Deno.exit(total.failed === 0 ? 0 : 1);
