/** What `faaslet doctor` looks at; each one tries the thing itself. */
import { join } from "node:path";
import { C_PACKAGES, canTargetWasi, findRust, tryTool } from "./build/mod.ts";
import { Client } from "./client.ts";
import { defaultDataDirectory, hostOf } from "./data_directory.ts";
import type { Globals } from "./verb.ts";
import { showMicroseconds } from "./units.ts";

/** What a check found, and what to do about it. */
export interface Finding {
  readonly state: "ok" | "warn" | "fail";
  readonly found: string;
  readonly cure?: string;
}

interface Question {
  readonly globals: Globals;
  readonly dataDirectory: string | undefined;
}

type Check = (question: Question) => Promise<Finding>;

/** In the order in which they are of use: what comes later needs what comes before. */
export const CHECKS: readonly (readonly [string, Check])[] = [
  ["platform", checkPlatform],
  ["add-on", checkAddOn],
  ["compiler", checkCompiler],
  ["Faaslets", checkFaaslets],
  ["mappings", checkMappings],
  ["data directory", checkDataDirectory],
  ["certificates", checkCertificates],
  ["host", checkHost],
  ["C and C++", checkC],
  ["Go", checkGo],
  ["Rust", checkRust],
  ["AssemblyScript", checkAssemblyScript],
  ["isolation", checkIsolation],
];

/** One page of memory, and an export `run` of the type () -> () that does nothing. */
const NO_OP = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 4, 1, 0x60, 0, 0],
  ...[3, 2, 1, 0],
  ...[5, 3, 1, 0, 1],
  ...[7, 7, 1, 3, 0x72, 0x75, 0x6e, 0, 0],
  ...[10, 4, 1, 2, 0, 0x0b],
]);
const CALLS = 100;
/** What Linux allows when nobody changed it. */
const MAPPINGS_DEFAULT = 65_530;
/** What the process itself needs, and how many an idle Faaslet takes. */
const MAPPINGS_OWN = 1_500;
const MAPPINGS_EACH = 2;

function checkPlatform(): Promise<Finding> {
  const { os, arch } = Deno.build;
  const found = `${os} on ${arch}, Deno ${Deno.version.deno}`;
  if (os === "linux" && arch === "x86_64") return Promise.resolve({ state: "ok", found });
  return Promise.resolve({ state: "fail", found, cure: "faaslet runs on Linux on x86-64 for now" });
}

async function checkAddOn(): Promise<Finding> {
  const { engineHash } = await import("../runtime/mod.ts");
  return { state: "ok", found: `it loads; its machine code is of the kind ${engineHash()}` };
}

async function checkCompiler(): Promise<Finding> {
  const { Compiler } = await import("../runtime/mod.ts");
  const { selfCommand } = await import("./self.ts");
  const { wallMs } = await new Compiler({ command: selfCommand("compile-child") }).compile(NO_OP);
  return {
    state: "ok",
    found: `its process starts, bounds itself and compiles; ${showMicroseconds(wallMs * 1_000)} in all`,
  };
}

/** Snapshot, private mapping, threads and reset: all that a call needs of the kernel. */
async function checkFaaslets(): Promise<Finding> {
  const { Compiler, EmbeddedGroup, inspectModule, parseSettings } = await import("../runtime/mod.ts");
  const { selfCommand } = await import("./self.ts");
  const settings = parseSettings({});
  const { plan } = inspectModule(NO_OP, settings);
  const { artefact } = await new Compiler({ command: selfCommand("compile-child") }).compile(NO_OP);
  const group = new EmbeddedGroup({ threadsMax: 1 });
  try {
    const image = {
      id: 1,
      name: "doctor",
      artefact,
      plan,
      limits: settings,
      arguments: [],
      environment: {},
      files: [],
    };
    await group.install({ ...image, hasFileSystem: false });
    const startUs: number[] = [];
    for (let id = 1; id <= CALLS; id++) {
      const request = { id, functionId: 1, input: new Uint8Array(0), timeoutMs: 10_000, start: "proto" as const };
      const outcome = await group.call(request);
      if (outcome.status !== "ok") {
        return {
          state: "fail",
          found: `a call that does nothing ended as ${outcome.status}: ${outcome.error?.message}`,
        };
      }
      startUs.push(outcome.startUs);
    }
    startUs.sort((a, b) => a - b);
    return {
      state: "ok",
      found: `restored from a snapshot in ${showMicroseconds(startUs[CALLS / 2]!)} (median of ${CALLS})`,
    };
  } finally {
    await group.close();
  }
}

async function checkMappings(): Promise<Finding> {
  const count = Number(await Deno.readTextFile("/proc/sys/vm/max_map_count"));
  const faaslets = Math.max(0, Math.floor((count - MAPPINGS_OWN) / MAPPINGS_EACH));
  const found = `vm.max_map_count is ${count}: room for some ${faaslets} idle Faaslets`;
  if (count >= MAPPINGS_DEFAULT) return { state: "ok", found };
  return { state: "warn", found, cure: `sysctl -w vm.max_map_count=${MAPPINGS_DEFAULT}` };
}

async function checkDataDirectory({ dataDirectory }: Question): Promise<Finding> {
  const { openKv } = await import("../state/mod.ts");
  const path = dataDirectory ?? defaultDataDirectory();
  const owner = await hostOf(path);
  if (owner !== undefined) return { state: "ok", found: `${path} is used by the host with process id ${owner}` };
  const isThere = await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
  // A store of its own: the real one belongs to whichever host starts next.
  const trial = await Deno.makeTempDir({ prefix: "faaslet-doctor-", ...(isThere && { dir: path }) });
  try {
    const kv = await openKv(join(trial, "store.sqlite3"));
    kv.close();
  } finally {
    await Deno.remove(trial, { recursive: true });
  }
  if (!isThere) return { state: "ok", found: `a store opens; ${path} is made by the first host` };
  const { mode } = await Deno.stat(path);
  if (((mode ?? 0) & 0o077) === 0) return { state: "ok", found: `a store opens in ${path}` };
  return { state: "warn", found: `other users may look into ${path}`, cure: `chmod 700 ${path}` };
}

/** Without them every server that a function asks under TLS is a stranger. */
async function checkCertificates(): Promise<Finding> {
  const { findSystemRoots } = await import("../hostif/mod.ts");
  const roots = await findSystemRoots();
  const cure = "install the package ca-certificates, or name a file: `faaslet serve --ca-file FILE`";
  if (roots === undefined) return { state: "warn", found: "functions know nobody's: their https requests fail", cure };
  const count = new TextDecoder().decode(roots.bytes).split("-----BEGIN CERTIFICATE-----").length - 1;
  return { state: "ok", found: `functions believe the ${count} authorities of ${roots.path}` };
}

async function checkHost({ globals }: Question): Promise<Finding> {
  try {
    const { version, status } = await new Client(globals.gateway).health();
    return { state: "ok", found: `version ${version} answers at ${globals.gateway}: ${status}` };
  } catch {
    return { state: "warn", found: `none answers at ${globals.gateway}`, cure: "start one with `faaslet serve`" };
  }
}

async function checkC(): Promise<Finding> {
  const sdk = Deno.env.get("WASI_SDK_PATH");
  if (sdk) {
    const program = join(sdk, "bin", "clang");
    const isThere = (await tryTool(program, ["--version"]))?.isOk === true;
    if (isThere) return { state: "ok", found: `the SDK at WASI_SDK_PATH, ${sdk}` };
    return {
      state: "fail",
      found: `WASI_SDK_PATH is ${sdk}, where there is no bin/clang`,
      cure: "correct it or unset it",
    };
  }
  const directory = await Deno.makeTempDir({ prefix: "faaslet-doctor-" });
  try {
    if (await canTargetWasi("clang", directory)) return { state: "ok", found: "clang with WASI libraries" };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  if (Deno.build.standalone) {
    const found = "no clang with WASI libraries, and this program comes without the packaged one";
    return { state: "warn", found, cure: `to deploy C, set WASI_SDK_PATH to a WASI SDK, or ${C_PACKAGES}` };
  }
  return { state: "ok", found: "the packaged clang, 105 MB the first time; a WASI SDK and WASI_SDK_PATH are faster" };
}

async function checkGo(): Promise<Finding> {
  const go = await tryTool("go", ["version"]);
  if (go?.isOk === true) return { state: "ok", found: go.stdout.trim() };
  return { state: "warn", found: "not installed", cure: "to deploy .go files, install Go 1.21 or newer" };
}

async function checkRust(): Promise<Finding> {
  try {
    const { rustc, wasi } = await findRust();
    return { state: "ok", found: `${rustc} for ${wasi}` };
  } catch {
    return {
      state: "warn",
      found: "no compiler with the library for WASI",
      cure:
        "to deploy .rs files, `rustup target add wasm32-wasip1`, or on Debian `apt-get install rustc libstd-rust-dev-wasm32`",
    };
  }
}

function checkAssemblyScript(): Promise<Finding> {
  if (Deno.build.standalone) {
    const cure = "to deploy AssemblyScript, build the module with `asc` or run faaslet from its sources";
    return Promise.resolve({ state: "warn", found: "this program comes without its compiler", cure });
  }
  return Promise.resolve({ state: "ok", found: "its compiler is a package, fetched the first time" });
}

function checkIsolation(): Promise<Finding> {
  return Promise.resolve({
    state: "warn",
    found: "none: all functions run in the host's own process, behind WebAssembly's walls alone",
    cure: "deploy only what you trust as much as your own programs",
  });
}
