/**
 * Goal: ordinary C sources compile for WASI and run here: clients, programs that open libraries, programs that map memory, each
 * from the headers that C has for it. Method: three programs, built by the packaged clang (22) and by clang 14 with Debian's
 * library, which differ in what they lack; what they print is compared.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { compileLibraries, EmbeddedGroup, type FunctionImage, networkRules } from "../runtime/mod.ts";
import { compileModule, inspectModule } from "../runtime/native/mod.ts";
import { buildLibrary, buildWithSdk } from "./support/c.ts";
import { DYNAMIC } from "./support/c_flags.ts";
import { DEFAULT_LIMITS, imageOf } from "./support/guests.ts";
import { optionalTest } from "./support/optional.ts";
import { RawServer } from "./support/raw_server.ts";
import { Scratch } from "./support/scratch.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const TEXT = new TextDecoder();
interface Compiler {
  readonly name: string;
  readonly missing: string | undefined;
  build(source: string, flags: readonly string[]): Promise<Uint8Array>;
}

const COMPILERS: readonly Compiler[] = [
  { name: "the packaged clang", missing: undefined, build: buildWithSdk },
  { name: "clang 14", missing: missingClang14(), build: buildWithClang14 },
];

for (const { name, missing, build } of COMPILERS) {
  optionalTest(`sockets of C's own headers, by ${name}`, missing, async () => {
    await using server = new RawServer(({ send }) => send("HTTP/1.0 200 OK\r\n\r\nhello"));
    const image = { network: networkRules([`localhost:${server.port}`]), environment: { PORT: String(server.port) } };
    const said = await outputOf(await build("posix/client.c", []), image);
    assert.equal(
      said,
      `getaddrinfo 0
127.0.0.1 1
connect 0
setsockopt 0
send 18
peek 4
HTTP/1.0 200 OK\r\n\r
hello
getpeername 0
peer 1 16
shutdown 0
close 0
sendto -1 Permission denied
refused -1 Permission denied
bind -1 Operation not permitted
listen -1 Operation not permitted
closed -1 Bad file descriptor
1 1 0 1.2.3.4
Name does not resolve
`,
    );
  });

  optionalTest(`a library opened by C's own header, by ${name}`, missing, async () => {
    const library = await buildLibrary("int twice(int number) { return 2 * number; }");
    const program = await build("posix/open.c", DYNAMIC);
    const files = [{ path: "/lib/libdouble.so", bytes: library }];
    const libraries = await compileLibraries(inspectModule(program, DEFAULT_LIMITS), files, compileModule);
    assert.equal(await outputOf(program, { files, libraries }), `42\n1 no symbol "none"\n0\n`);
  });

  optionalTest(`memory and files mapped by C's own header, by ${name}`, missing, async () => {
    const files = [{ path: "/text", bytes: new TextEncoder().encode("hello, file") }];
    const said = await outputOf(await build("posix/map.c", []), { files });
    assert.equal(said, "0 0\nhello\n1 1\n1 Permission denied\n-1\n");
  });
}

/** What a program prints, which ends well. */
async function outputOf(wasm: Uint8Array, image: Partial<FunctionImage>): Promise<string> {
  const group = new EmbeddedGroup({ threadsMax: 1 });
  try {
    await group.install(imageOf(1, wasm, { image }));
    const ran = await group.call({ id: 1, functionId: 1, input: new Uint8Array(0), timeoutMs: 20_000 });
    assert.deepEqual([ran.status, ran.returnValue], ["ok", 0], `${ran.error?.message} ${TEXT.decode(ran.output)}`);
    return TEXT.decode(ran.output);
  } finally {
    await group.close();
  }
}

async function buildWithClang14(source: string, flags: readonly string[]): Promise<Uint8Array> {
  using scratch = new Scratch();
  const output = `${scratch.path}/main.wasm`;
  const headers = ["hostif/sdk/c", "hostif/sdk/c/posix"].map((folder) => `-I${ROOT}${folder}`);
  // Of its age: the stack's pointer, which a library shares, is a variable that others see.
  const target = ["--target=wasm32-wasi", "-mmutable-globals"];
  const words = [...target, "-O1", ...flags, ...headers, `${ROOT}tests/guests/${source}`, "-o", output];
  const { success, stderr } = await new Deno.Command("clang-14", { args: words, stderr: "piped" }).output();
  assert.ok(success, TEXT.decode(stderr));
  return await Deno.readFile(output);
}

function missingClang14(): string | undefined {
  using scratch = new Scratch();
  const source = scratch.write("main.c", '#include <stdio.h>\nint main(void) { return puts(""); }\n');
  const args = ["--target=wasm32-wasi", source, "-o", `${scratch.path}/main.wasm`];
  try {
    const command = new Deno.Command("clang-14", { args, stdout: "null", stderr: "null" });
    return command.outputSync().success ? undefined : "clang-14 has no library for WASI";
  } catch {
    return "no clang-14 on the PATH";
  }
}
