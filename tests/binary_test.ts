/**
 * Goal: the program as one file does what its users need, on a machine that has nothing of ours: the demo's steps, in an
 * empty directory, with no Deno on the PATH. Method: it is compiled once for all of these tests.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileBinary } from "./support/binary.ts";
import { guest } from "./support/guests.ts";
import { Scratch } from "./support/scratch.ts";
import { until } from "./support/until.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const scratch = new Scratch();
const BINARY = join(scratch.path, "bin/faaslet");
const whyNot = await compileBinary(BINARY);
if (whyNot !== undefined) console.log(`skipped: the compiled program: ${whyNot}`);
const HOME = join(scratch.path, "home");
const EMPTY = join(scratch.path, "empty");
for (const path of [HOME, EMPTY]) Deno.mkdirSync(path);
Deno.test.afterAll(() => scratch[Symbol.dispose]());

function check(name: string, fn: (test: Deno.TestContext) => Promise<void>): void {
  Deno.test({ name: `binary: ${name}`, ignore: whyNot !== undefined, fn });
}

function command(words: readonly string[], environment: Record<string, string> = {}): Deno.Command {
  return new Deno.Command(BINARY, {
    args: [...words],
    cwd: EMPTY,
    clearEnv: true,
    env: { HOME, PATH: "/usr/bin:/bin", NO_COLOR: "1", ...environment },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function faaslet(words: readonly string[], environment?: Record<string, string>) {
  const { code, stdout, stderr } = await command(words, environment).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** A host by the compiled program; `await using` stops it. */
async function serve(data: string, environment?: Record<string, string>) {
  const child = command(["serve", "--listen", "127.0.0.1:0", "--data", data, "--json"], environment).spawn();
  let said = "";
  const following = (async () => {
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) said += piece;
  })();
  const complaint = new Response(child.stderr).text();
  let hasEnded = false;
  void child.status.then(() => hasEnded = true);
  await until(() => said.endsWith("}\n") || hasEnded, "the host has started", 30_000);
  assert.equal(hasEnded, false, hasEnded ? await complaint : "");
  async function stop(): Promise<void> {
    if (!hasEnded) child.kill("SIGTERM");
    const { code } = await child.status;
    await following;
    assert.equal(code, 0, await complaint);
  }
  return { url: JSON.parse(said).url as string, [Symbol.asyncDispose]: stop };
}

check("the demo's steps work with nothing else there", async () => {
  assert.match((await faaslet(["version"])).stdout, /^faaslet \d/);
  const data = join(scratch.path, "data");
  const module = scratch.write("echo.wasm", guest("echo"));
  {
    await using host = await serve(data);
    const at = ["-g", host.url];
    const deployed = await faaslet(["deploy", module, ...at, "--json"]);
    assert.deepEqual([deployed.code, deployed.stderr], [0, ""]);
    assert.equal(JSON.parse(deployed.stdout).outcome, "created");
    const called = await faaslet(["invoke", "echo", "-d", "hello", ...at]);
    assert.deepEqual([called.code, called.stdout], [0, "hello"]);
    const text = await Deno.readFile(join(ROOT, "examples/wordfreq/opticks.txt"));
    const answer = await fetch(`${host.url}/function/echo`, { method: "POST", body: text });
    assert.deepEqual(await answer.bytes(), text);
    assert.equal((await faaslet(["list", "-o", "name", ...at])).stdout, "echo\n");
    scratch.write("faaslet.toml", '[functions.echo]\nsource = "echo.wasm"\n');
    assert.match((await faaslet(["deploy", scratch.path, ...at])).stdout, /^unchanged +echo /);
    const { code, stdout } = await faaslet(["run", module]);
    assert.deepEqual([code, stdout], [0, ""]);
  }
  {
    await using host = await serve(data);
    const again = await faaslet(["invoke", "echo", "-d", "still", "-g", host.url]);
    assert.deepEqual([again.code, again.stdout], [0, "still"]);
  }
  assert.deepEqual([...Deno.readDirSync(EMPTY)], [], "nothing is written where it runs");
});

check("the add-on lies in a directory of its user alone, once, and a planted one is refused", async () => {
  const directory = join(HOME, ".cache/faaslet/add-on");
  const module = scratch.write("print.wasm", guest("print"));
  assert.equal((await faaslet(["check", module])).code, 0);
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
  assert.equal(names.length, 1);
  assert.match(names[0]!, /^faaslet-[0-9a-f]{32}\.node$/);
  assert.equal(Deno.statSync(directory).mode! & 0o777, 0o700);
  const path = join(directory, names[0]!);
  const whole = Deno.readFileSync(path);
  Deno.removeSync(path);
  Deno.writeTextFileSync(path, "planted", { mode: 0o500 });
  const refused = await faaslet(["check", module]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /not what this program put there.*ERR_ARTEFACT/);
  Deno.removeSync(path);
  assert.equal((await faaslet(["check", module])).code, 0);
  assert.deepEqual(Deno.readFileSync(path), whole);
});

check("a home that cannot be written is enough, when a directory for the add-on is named", async () => {
  const module = join(scratch.path, "print.wasm");
  scratch.write("print.wasm", guest("print"));
  const nowhere = { HOME: "/proc/self/nowhere" };
  const refused = await faaslet(["check", module], nowhere);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /set FAASLET_RUNTIME_DIR/);
  const state = join(scratch.path, "state");
  const named = { ...nowhere, FAASLET_RUNTIME_DIR: join(state, "run") };
  assert.equal((await faaslet(["check", module], named)).code, 0);
  await using host = await serve(join(state, "data"), named);
  const deployed = await faaslet(["deploy", module, "-g", host.url], named);
  assert.equal(deployed.code, 0, deployed.stderr);
});

check("a project is made without the clone", async () => {
  const project = join(scratch.path, "made");
  assert.equal((await faaslet(["new", project, "--lang", "as"])).code, 0);
  assert.deepEqual([...Deno.readDirSync(project)].map(({ name }) => name).sort(), [
    "README.md",
    "faaslet.toml",
    "made.as.ts",
  ]);
});

check("the unit of a service runs this very program", async () => {
  const { code, stdout, stderr } = await faaslet(["service", "install", "--user", "--dry-run", "--data", "/srv/data"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, new RegExp(`^ExecStart=${BINARY} serve --data /srv/data$`, "m"));
});

/** What has to be installed before the compiled program builds C. */
const PACKAGES = /clang lld wasi-libc libclang-rt-14-dev-wasm32/;

check("what cannot be built without a compiler says what to install", async () => {
  const data = join(scratch.path, "other");
  await using host = await serve(data);
  const deploy = (name: string, text: string) =>
    faaslet(["deploy", scratch.write(name, text), "-g", host.url], { PATH: EMPTY });
  const c = await deploy("hello.c", "int main(void) { return 0; }\n");
  assert.equal(c.code, 1);
  assert.match(c.stderr, /ERR_TOOLCHAIN/);
  assert.match(c.stderr, /this program comes without it; .*WASI_SDK_PATH/);
  assert.match(c.stderr, PACKAGES);
  const script = await deploy("hello.as.ts", "export function run(): void {}\n");
  assert.deepEqual(
    [script.code, /comes without it; .*asc.*ERR_TOOLCHAIN/.test(script.stderr)],
    [1, true],
    script.stderr,
  );
});

check("doctor warns of the compilers that it comes without", async () => {
  const { stdout, stderr } = await faaslet(["doctor", "--json"], { PATH: EMPTY });
  const findings: { name: string; state: string; found: string; cure?: string }[] = JSON.parse(stdout);
  const of = (name: string) => findings.find((finding) => finding.name === name);
  assert.deepEqual([of("C and C++")?.state, of("AssemblyScript")?.state], ["warn", "warn"], stderr);
  assert.match(of("C and C++")!.cure!, PACKAGES);
  assert.match(of("C and C++")!.cure!, /WASI_SDK_PATH/);
});

/** Where Debian's clang-14 has its plain name; the package `clang` brings that to the PATH. */
const SYSTEM_CLANG = "/usr/lib/llvm-14/bin";
const hasClang = await Deno.stat(join(SYSTEM_CLANG, "clang")).then(() => true, () => false) &&
  await Deno.stat("/usr/lib/wasm32-wasi").then(() => true, () => false);
if (!hasClang) console.log("skipped: C in the compiled program: no clang 14 with WASI libraries here");

Deno.test({
  name: "binary: C is built with the packages that the errors name",
  ignore: whyNot !== undefined || !hasClang,
  async fn() {
    await using host = await serve(join(scratch.path, "with-clang"));
    const PATH = `${SYSTEM_CLANG}:/usr/bin:/bin`;
    const source = scratch.write("seven.c", "int main(void) { return 7; }\n");
    const deployed = await faaslet(["deploy", source, "-g", host.url], { PATH });
    assert.equal(deployed.code, 0, deployed.stderr);
    const answer = await fetch(`${host.url}/function/seven`, { method: "POST" });
    assert.equal(answer.headers.get("x-return-value"), "7", await answer.text());
    const { stdout } = await faaslet(["doctor", "--json"], { PATH });
    const c = JSON.parse(stdout).find(({ name }: { name: string }) => name === "C and C++");
    assert.deepEqual([c.state, c.found], ["ok", "clang with WASI libraries"]);
  },
});
