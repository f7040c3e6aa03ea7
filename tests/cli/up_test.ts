/**
 * Goal: from a source file to an answer by one command, with nothing there before: no module, no host.
 *
 * Method: the examples and small programs, built by the program itself with whatever tool chain the machine has; the host
 * that `up` starts is ended by the process id that it prints.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { faaslet } from "../support/cli.ts";
import { RealHost } from "../support/real_host.ts";
import { Scratch } from "../support/scratch.ts";
import { guest } from "../support/guests.ts";
import { optionalTest } from "../support/optional.ts";
import { until } from "../support/until.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url));

/** A port that was free a moment ago. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function isThere(program: string, ...words: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: words, stdin: "null", stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

const NO_GO = await isThere("go", "version") ? undefined : "there is no go";
const NO_RUST =
  await isThere("sh", "-c", "ls $(rustc --print sysroot)/lib/rustlib /usr/lib/rustlib | grep -q wasm32-wasi")
    ? undefined
    : "no rustc here has the standard library for WASI";

Deno.test("up goes from a C file to an answer, starts a host if none answers, and finds it the next time", async () => {
  using place = new Scratch();
  const gateway = ["-g", `http://127.0.0.1:${freePort()}`];
  const words = [
    "up",
    `${EXAMPLES}/wordfreq/wordfreq.c`,
    "--arg",
    "2",
    ...gateway,
    "--host-data",
    `${place.path}/data`,
  ];
  const first = await faaslet([...words, "-d", "the cat and the hat and the rest"]);
  assert.equal(first.code, 0, first.stderr);
  assert.equal(first.stdout, "8 words, 5 different\n      3 the\n      2 and\n");
  const pid = Number(/started a host at http:\/\/127\.0\.0\.1:\d+; .* `kill (\d+)` stops it/.exec(first.stderr)?.[1]);
  assert.ok(pid > 1, first.stderr);
  try {
    assert.match(first.stderr, new RegExp(`created wordfreq, version 1: ${gateway[1]}/function/wordfreq`));
    const text = place.write("text.txt", "a a b");
    const second = await faaslet([...words, "-d", `@${text}`, "--json"]);
    assert.doesNotMatch(second.stderr, /started a host/);
    const { outcome, answer, url } = JSON.parse(second.stdout);
    assert.deepEqual([outcome, answer], ["unchanged", "3 words, 2 different\n      2 a\n      1 b\n"]);
    assert.equal(await (await fetch(url, { method: "POST", body: "x" })).text(), "1 words, 1 different\n      1 x\n");
  } finally {
    Deno.kill(pid, "SIGTERM");
  }
  await until(async () => {
    return await Deno.readTextFile(`/proc/${pid}/stat`).then((stat) => / Z /.test(stat), () => true);
  }, "the host has ended");
});

Deno.test("up starts no host but on this machine", async () => {
  using place = new Scratch();
  const module = place.write("echo.wasm", guest("echo"));
  // A name that no resolver has (RFC 6761).
  for (const gateway of ["http://nobody.invalid:8080", "https://127.0.0.1:1"]) {
    const { code, stdout, stderr } = await faaslet(["up", module, "-g", gateway, "--host-data", `${place.path}/data`]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /no host answers there, and one can be started on this machine's loopback only/);
  }
});

Deno.test("up says why the host that it starts does not", async () => {
  using place = new Scratch();
  const module = place.write("echo.wasm", guest("echo"));
  await using _ = await RealHost.start(`${place.path}/data`);
  const gateway = `http://127.0.0.1:${freePort()}`;
  const { code, stderr } = await faaslet(["up", module, "-g", gateway, "--host-data", `${place.path}/data`]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /cannot start a host: it ended at once; its log .* ends with.*\n {2}- .*cannot use the data directory/s,
  );
});

Deno.test("up starts no host for what cannot be built", async () => {
  using place = new Scratch();
  const gateway = ["-g", `http://127.0.0.1:${freePort()}`, "--host-data", `${place.path}/data`];
  for (const [file, expected] of [[`${place.path}/none.c`, 3], [place.write("bad.as.ts", "nothing("), 1]] as const) {
    const { code, stdout, stderr } = await faaslet(["up", file, ...gateway]);
    assert.deepEqual([code, stdout], [expected, ""]);
    assert.doesNotMatch(stderr, /started a host/);
  }
  assert.throws(() => Deno.statSync(`${place.path}/data`), Deno.errors.NotFound);
});

Deno.test("run and check build a source too", async () => {
  const source = `${EXAMPLES}/wordfreq/wordfreq.c`;
  const ran = await faaslet(["run", source, "1"], { stdin: "b a b" });
  assert.deepEqual([ran.code, ran.stdout], [0, "3 words, 2 different\n      2 b\n"]);
  const checked = await faaslet(["check", source, "--json"]);
  assert.equal(checked.code, 0, checked.stderr);
  assert.equal(JSON.parse(checked.stdout).report.plan.entry, "_start");
  assert.doesNotMatch(checked.stderr, /first time/, "the compiler was there already");
});

Deno.test("deploy builds C with an initialiser so that it runs before the snapshot", async () => {
  using place = new Scratch();
  await using host = await RealHost.start(`${place.path}/data`);
  const source = `${EXAMPLES}/faasm_echo/faasm_echo.c`;
  const { code, stdout, stderr } = await faaslet(["deploy", source, "--json", "-g", host.url]);
  assert.equal(code, 0, stderr);
  const { plan } = JSON.parse(stdout).function.report;
  assert.deepEqual(plan.beforeSnapshot, ["__wasm_call_ctors", "_faasm_zygote"]);
  for (const start of ["cold", "proto", "warm", "warm"] as const) {
    const answer = await host.call("faasm-echo", start, "a\0\xff");
    assert.equal(await answer.text(), "call 1: 6100c3bf");
  }
});

Deno.test("deploy builds C++ with containers and streams", async () => {
  using place = new Scratch();
  await using host = await RealHost.start(`${place.path}/data`);
  const source = place.write(
    "sum.cpp",
    `#include <iostream>
#include "list.hpp"
int main() {
  List list;
  for (int value; std::cin >> value;) list.push_back(value);
  long sum = 0;
  for (int value : list) sum += value;
  std::cout << list.size() << " numbers, " << sum << std::endl;
}
`,
  );
  place.write("list.hpp", "#include <vector>\nusing List = std::vector<int>;\n");
  const { code, stderr } = await faaslet(["deploy", source, "-g", host.url]);
  assert.equal(code, 0, stderr);
  assert.equal((await faaslet(["invoke", "sum", "-d", "1 2 39", "-g", host.url])).stdout, "3 numbers, 42\n");
});

optionalTest("deploy builds Go and Rust, AssemblyScript by the package", NO_GO ?? NO_RUST, async () => {
  using place = new Scratch();
  await using host = await RealHost.start(`${place.path}/data`);
  const go = place.write(
    "shout.go",
    `package main
import ("io"; "os"; "strings")
func main() { text, _ := io.ReadAll(os.Stdin); os.Stdout.WriteString(strings.ToUpper(string(text))) }
`,
  );
  const hello = { rust: `${EXAMPLES}/hello_rust/hello.rs`, as: `${EXAMPLES}/hello_assemblyscript/hello.as.ts` };
  for (
    const [source, name, answer] of [[go, "shout", "ADA"], [hello.rust, "hr", "hello Ada\n"], [
      hello.as,
      "ha",
      "hello Ada\n",
    ]]
  ) {
    const { code, stderr } = await faaslet(["deploy", source!, "--name", name!, "-g", host.url]);
    assert.equal(code, 0, stderr);
    assert.equal((await faaslet(["invoke", name!, "-d", "Ada", "-g", host.url])).stdout, answer);
  }
});

Deno.test("what a compiler says is passed on, line by line, and nothing is left behind", async () => {
  using place = new Scratch();
  await using host = await RealHost.start(`${place.path}/data`);
  const temporary = `${place.path}/tmp`;
  Deno.mkdirSync(temporary);
  const sources = [
    [place.write("bad.c", "int main(void) { return nothing; }\n"), /bad\.c:1:\d+: error: .*'nothing'/],
    [place.write("throw.cpp", "int main() { throw 1; }\n"), /cannot use 'throw' with exceptions disabled/],
    [place.write("bad.as.ts", "export function handle(): i32 { return nothing; }\n"), /Cannot find name 'nothing'/],
  ] as const;
  for (const [source, said] of sources) {
    const environment = { TMPDIR: temporary };
    const { code, stdout, stderr } = await faaslet(["deploy", source, "-g", host.url], { environment });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^error: cannot build: .* failed \(ERR_TOOLCHAIN\)$/m);
    assert.match(stderr, said);
  }
  assert.deepEqual([...Deno.readDirSync(temporary)], []);
  const ran = await faaslet(["run", sources[2][0]]);
  assert.deepEqual([ran.code, ran.stdout], [122, ""]);
  const empty = `${place.path}/empty`;
  Deno.mkdirSync(empty);
  const { code, stderr } = await faaslet(["deploy", empty, "-g", host.url]);
  assert.equal(code, 2);
  assert.match(stderr, /a directory needs one of go\.mod, Cargo\.toml, assembly\/index\.ts/);
});
