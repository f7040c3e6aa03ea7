/**
 * Goal: the examples that work on shared state find what a plain program finds. Method: built as their users build them, called on a
 * real host; training also on two hosts of one store, which share nothing but that. Sizes are small; FAASLET_TEST_LONG=1 takes
 * RCV1-like ones.
 */
import assert from "node:assert/strict";
import { basename } from "node:path";
import { buildModule } from "../cli/build/mod.ts";
import { KvGlobalTier, openKv } from "../state/mod.ts";
import { faaslet } from "./support/cli.ts";
import { rounds } from "./support/long.ts";
import { RealHost } from "./support/real_host.ts";
import { Scratch } from "./support/scratch.ts";
import { StateHost } from "./support/state_host.ts";

const EXAMPLES = new URL("../examples/", import.meta.url).pathname;
/** How much worse or better than sequential training it may be: parts are trained at once, so that no two runs are the same. */
const LOSS_TOLERANCE = 0.02;
const EPOCHS = 5;
const BLOCK = 64;

const modules: Record<string, Promise<string>> = {};
const scratch = new Scratch();
const host = await RealHost.start(`${scratch.path}/host`);
Deno.test.afterAll(async () => {
  await host[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

/** The module of a source of the examples; built once, in this process, since a compiler starts slowly. */
async function built(source: string): Promise<string> {
  return await (modules[source] ??= (async () => {
    const { wasm } = await buildModule(EXAMPLES + source, () => {});
    return scratch.write(basename(source).replace(".cpp", ".wasm"), wasm);
  })());
}

async function deploy(source: string): Promise<void> {
  const { code, stderr } = await faaslet(["deploy", await built(source), "-g", host.url]);
  assert.equal(code, 0, stderr);
}

async function call(name: string, input: string): Promise<string> {
  const answer = await fetch(`${host.url}/function/${name}`, { method: "POST", body: input });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return text;
}

function lossIn(text: string): number {
  const loss = /^loss ([\d.]+), [\d.]+ % right$/m.exec(text)?.[1];
  assert.ok(loss !== undefined, text);
  return Number(loss);
}

async function sequentialLoss(examples: number): Promise<number> {
  const ran = await faaslet(["run", await built("sgd/plain.cpp"), String(examples), String(EPOCHS)]);
  assert.equal(ran.code, 0, ran.stderr);
  return lossIn(ran.stdout);
}

function assertClose(loss: number, expected: number, what: string): void {
  assert.ok(Math.abs(loss / expected - 1) <= LOSS_TOLERANCE, `${what}: loss ${loss}, sequential ${expected}`);
}

Deno.test("HOGWILD! on shared weights learns what sequential training learns", async () => {
  await deploy("sgd/sgd.cpp");
  const examples = rounds(3_000, 100_000);
  const expected = await sequentialLoss(examples);
  assert.ok(expected < 0.9 * Math.LN2, "sequential training learns at all");
  for (const workers of [1, 4, 16]) {
    assertClose(lossIn(await call("sgd", `${examples} ${workers} ${EPOCHS}`)), expected, `${workers} workers`);
  }
  const listed = await fetch(`${host.url}/v1/state?prefix=sgd/weights`);
  const [{ bytes, here }] = (await listed.json()).values;
  assert.deepEqual([bytes, here.bytes], [47_236 * 8, 47_236 * 8], "the weights are one value, in this host's memory");
});

Deno.test("parts on two hosts add what they learnt under the global lock, and lose nothing", async () => {
  const examples = 2_000;
  const wasm = await Deno.readFile(await built("sgd/sgd.cpp"));
  const kv = await openKv(":memory:");
  const global = new KvGlobalTier({ kv });
  try {
    await using one = await StateHost.open(global, { wasm });
    await using two = await StateHost.open(global, { wasm });
    const hosts = [one, two];
    const ask = async (host: StateHost, words: string) => {
      const { status, returnValue, error, output } = await host.call({ input: new TextEncoder().encode(words) });
      assert.deepEqual([status, returnValue], ["ok", 0], `${words}: ${error?.message}`);
      return new TextDecoder().decode(output);
    };
    const shape = `${examples} ${hosts.length} ${EPOCHS}`;
    await ask(one, `prepare ${shape}`);
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      await Promise.all(hosts.map((host, number) => ask(host, `part ${shape} ${epoch} ${number} copies`)));
    }
    const expected = await sequentialLoss(examples);
    for (const host of hosts) assertClose(lossIn(await ask(host, `loss ${shape}`)), expected, "two hosts");
  } finally {
    await global.close();
    kv.close();
  }
});

Deno.test("a matrix product in chained calls is the plain product, to the last bit", async () => {
  await deploy("matrix/matrix.cpp");
  const size = rounds(128, 512);
  assert.match(await call("matrix", `${size} check`), /; at most 0 from a plain product\n$/);
  const read = async (key: string) => {
    const bytes = await (await fetch(`${host.url}/v1/state/matrix/${key}`)).arrayBuffer();
    assert.equal(bytes.byteLength, size * size * 8);
    return rowsOf(new Float64Array(bytes), size);
  };
  const [a, b, c] = await Promise.all(["a", "b", "c"].map(read));
  assert.deepEqual(c, product(a!, b!, size), "what was pushed is the product");
  const listed = await fetch(`${host.url}/v1/calls?function=matrix&limit=1000`);
  const { calls } = await listed.json();
  const blocks = size / BLOCK;
  assert.equal(calls.length, (4 * blocks * blocks - 1) / 3, "a call for each square, down to the blocks");
});

/** From block by block to row by row. */
function rowsOf(blocks: Float64Array, size: number): Float64Array {
  const rows = new Float64Array(blocks.length);
  const across = size / BLOCK;
  blocks.forEach((value, at) => {
    const [block, inside] = [Math.floor(at / (BLOCK * BLOCK)), at % (BLOCK * BLOCK)];
    const row = Math.floor(block / across) * BLOCK + Math.floor(inside / BLOCK);
    rows[row * size + block % across * BLOCK + inside % BLOCK] = value;
  });
  return rows;
}

/** In the order in which each call adds: step by step of the inner index. */
function product(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const c = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let inner = 0; inner < size; inner++) {
      for (let column = 0; column < size; column++) {
        c[row * size + column]! += a[row * size + inner]! * b[inner * size + column]!;
      }
    }
  }
  return c;
}
