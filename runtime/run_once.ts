/**
 * One Faaslet, here and now, with this process's own standard streams, and the functions that it may chain to: what
 * `faaslet run` is.
 *
 * @module
 */
import { CACHE_LIMITS, FUNCTION_LIMITS, WASM_PAGE_BYTES } from "../limits.ts";
import type { ArtefactCache } from "./artefact_cache.ts";
import { EmbeddedGroup } from "./embedded_group.ts";
import { faasletLimits, parseSettings } from "./function_settings.ts";
import { compileLibraries } from "./libraries.ts";
import { DEFAULT_TENANT } from "../names.ts";
import { networkRules } from "./network_rules.ts";
import { coded, compileModule, inspectModule, native, type NativeChange } from "./native/mod.ts";
import type { LiveFunction } from "./registry.ts";
import type { CallOutcome, CallRequest, GuestFile, WorkerGroup } from "./worker_group.ts";

/** A directory of this machine that the guest sees. */
export interface MountedDirectory {
  readonly host: string;
  /** Absolute in the guest's file system. */
  readonly guest: string;
}

/** A module under a name. */
export interface NamedModule {
  readonly name: string;
  readonly wasm: Uint8Array;
}

export interface RunOptions extends NamedModule {
  /** argv[0]; `name` is what others chain to. */
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directories: readonly MountedDirectory[];
  /** Puts changed files back into their directories after a run that ended by itself. */
  readonly writesBack: boolean;
  readonly entry?: string;
  readonly init?: string;
  /** What the program's sockets may reach, as `HOST:PORT`. */
  readonly allowNet?: readonly string[];
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  /** Machine code of earlier runs. */
  readonly artefacts: ArtefactCache | undefined;
  /** Functions that the program may chain to; they see no directory. */
  readonly companions: readonly NamedModule[];
  /** Takes the program's call to its end. Calls of the group beyond the first are those that it led to. */
  readonly call: (
    group: WorkerGroup,
    program: LiveFunction,
    companions: readonly LiveFunction[],
  ) => Promise<CallOutcome>;
  /** What chained calls print. */
  readonly onLog: (bytes: Uint8Array) => void;
}

export interface RunResult {
  readonly outcome: CallOutcome;
  /** What was in a directory but neither a file nor a directory, so that the guest does not see it. */
  readonly skipped: readonly string[];
  /** What was not written back: links, and changes outside all directories. */
  readonly notWritten: readonly string[];
  /** What the initialiser printed. */
  readonly initLog: string;
}

/** Checks, compiles and runs a module once. Throws what an upload would; failures of the guest are in the outcome. */
export async function runOnce(options: RunOptions): Promise<RunResult> {
  const { files, skipped } = readDirectories(options.directories);
  const group = new RunGroup(options.onLog);
  try {
    const program = await install(group, 1, options, options, files);
    const companions: LiveFunction[] = [];
    for (const companion of options.companions) {
      companions.push(await install(group, companions.length + 2, companion, options, []));
    }
    const outcome = await options.call(group, program, companions);
    const endedItself = outcome.status === "ok" || outcome.status === "guest-error";
    const notWritten = options.writesBack && endedItself ? writeBack(options.directories, group.changes) : [];
    return { outcome, skipped, notWritten, initLog: program.record.install.log };
  } finally {
    await group.close();
  }
}

/** A group whose first call has this process's own streams. */
class RunGroup extends EmbeddedGroup {
  /** What the first call changed in its file system. */
  changes: readonly NativeChange[] = [];
  readonly #onLog: (bytes: Uint8Array) => void;
  #hasBegun = false;

  constructor(onLog: (bytes: Uint8Array) => void) {
    super();
    this.#onLog = onLog;
  }

  override async call(request: CallRequest): Promise<CallOutcome> {
    if (this.#hasBegun) {
      const outcome = await super.call(request);
      for (const log of [outcome.stdout, outcome.stderr]) if (log.length > 0) this.#onLog(log);
      return outcome;
    }
    this.#hasBegun = true;
    const { outcome, changes } = await this.callWithProcessStreams(request);
    this.changes = changes;
    return outcome;
  }
}

async function install(
  group: WorkerGroup,
  functionId: number,
  { name, wasm }: NamedModule,
  options: RunOptions,
  files: readonly GuestFile[],
): Promise<LiveFunction> {
  const isProgram = functionId === 1;
  const { entry, init } = isProgram ? options : {};
  const settings = parseSettings({
    ...(entry !== undefined && { entry }),
    ...(init !== undefined && { init }),
    timeoutMs: options.timeoutMs,
    initTimeoutMs: Math.min(options.timeoutMs, FUNCTION_LIMITS.initTimeoutMsMax),
    memoryBytes: Math.floor(options.memoryBytes / WASM_PAGE_BYTES) * WASM_PAGE_BYTES,
    outputBytes: FUNCTION_LIMITS.outputBytesMax,
    logBytes: FUNCTION_LIMITS.logBytesMax,
    fileBytes: FUNCTION_LIMITS.fileBytesMax,
    files: FUNCTION_LIMITS.filesMax,
    concurrency: FUNCTION_LIMITS.concurrencyMax,
    allowNet: options.allowNet ?? [],
    ...(isProgram && { idle: 0, arguments: options.arguments, environment: options.environment }),
  });
  const report = inspectModule(wasm, settings);
  const begun = performance.now();
  const artefact = artefactOf(wasm, report.digest, options.artefacts);
  const wallMs = performance.now() - begun;
  const libraries = await compileLibraries(report, files, compileModule);
  const installed = await group.install({
    id: functionId,
    name: isProgram ? options.program : name,
    artefact,
    plan: report.plan,
    limits: faasletLimits(settings),
    arguments: settings.arguments,
    environment: settings.environment,
    files,
    libraries,
    network: isProgram ? networkRules(settings.allowNet) : [],
    hasFileSystem: isProgram && options.directories.length > 0,
  });
  const record = {
    tenant: DEFAULT_TENANT,
    name,
    version: 1,
    settings,
    report,
    files: [],
    compile: { wallMs, cpuMs: wallMs, artefactBytes: artefact.length },
    install: installed,
    createdAt: new Date().toISOString(),
  };
  return { functionId, record };
}

function readDirectories(directories: readonly MountedDirectory[]): { files: GuestFile[]; skipped: string[] } {
  const files = new Map<string, GuestFile>();
  const skipped: string[] = [];
  for (const { host, guest } of directories) {
    const tree = coded(() => native.readTree(host, FUNCTION_LIMITS.fileBytesMax, FUNCTION_LIMITS.filesMax));
    const root = withoutSlash(guest);
    if (root !== "") files.set(root, { path: root });
    for (const { path, bytes } of tree.files) {
      const inGuest = `${root}/${path}`;
      files.set(inGuest, bytes === undefined ? { path: inGuest } : { path: inGuest, bytes });
    }
    skipped.push(...tree.skipped.map((path) => `${host}/${path}`));
  }
  return { files: [...files.values()], skipped };
}

/** Each change goes to the directory that is mounted nearest above it. Gives what found none. */
function writeBack(directories: readonly MountedDirectory[], changes: readonly NativeChange[]): string[] {
  const notWritten: string[] = [];
  const writes = new Map<string, { path: string; bytes?: Uint8Array; removed: boolean }[]>();
  const nearestFirst = directories.toSorted((a, b) => withoutSlash(b.guest).length - withoutSlash(a.guest).length);
  for (const { path, kind, bytes } of changes) {
    const target = nearestFirst.find(({ guest }) => path.startsWith(`${withoutSlash(guest)}/`));
    if (target === undefined || kind === "symlink") {
      notWritten.push(path);
      continue;
    }
    const relative = path.slice(withoutSlash(target.guest).length + 1);
    const write = { path: relative, removed: kind === "removed", ...(bytes === undefined ? {} : { bytes }) };
    writes.set(target.host, [...(writes.get(target.host) ?? []), write]);
  }
  for (const [host, entries] of writes) coded(() => native.writeTree(host, entries));
  return notWritten;
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, "");
}

/** What was compiled before, or is now. */
function artefactOf(wasm: Uint8Array, digest: string, cache: ArtefactCache | undefined): Uint8Array {
  if (cache === undefined || wasm.length < CACHE_LIMITS.moduleBytesMin) return compileModule(wasm);
  const kept = cache.read(digest);
  if (kept !== undefined) return kept;
  const artefact = compileModule(wasm);
  cache.write(digest, artefact);
  return artefact;
}
