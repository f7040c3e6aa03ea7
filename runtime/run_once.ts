/**
 * One Faaslet, here and now, with this process's own standard streams: what `faaslet run` is.
 *
 * @module
 */
import { FUNCTION_LIMITS } from "../limits.ts";
import { EmbeddedGroup } from "./embedded_group.ts";
import { coded, compileModule, inspectModule, native, type NativeChange } from "./native/mod.ts";
import type { CallOutcome, GuestFile } from "./worker_group.ts";

/** A directory of this machine that the guest sees. */
export interface MountedDirectory {
  readonly host: string;
  /** Absolute in the guest's file system. */
  readonly guest: string;
}

export interface RunOptions {
  readonly wasm: Uint8Array;
  /** argv[0]. */
  readonly name: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directories: readonly MountedDirectory[];
  /** Puts changed files back into their directories after a run that ended by itself. */
  readonly writesBack: boolean;
  readonly entry?: string;
  readonly init?: string;
  readonly timeoutMs: number;
  readonly memoryBytes: number;
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
  const { plan } = inspectModule(options.wasm, options);
  const artefact = compileModule(options.wasm);
  const { files, skipped } = readDirectories(options.directories);
  const group = new EmbeddedGroup({ threadsMax: 1 });
  try {
    const report = await group.install({
      id: 1,
      name: options.name,
      artefact,
      plan,
      limits: {
        initTimeoutMs: options.timeoutMs,
        memoryBytes: options.memoryBytes,
        outputBytes: FUNCTION_LIMITS.outputBytesMax,
        logBytes: FUNCTION_LIMITS.logBytesMax,
        fileBytes: FUNCTION_LIMITS.fileBytesMax,
        files: FUNCTION_LIMITS.filesMax,
        descriptors: FUNCTION_LIMITS.descriptorsMax,
        idle: 0,
      },
      arguments: options.arguments,
      environment: options.environment,
      files,
      hasFileSystem: options.directories.length > 0,
    });
    const request = { id: 1, functionId: 1, input: new Uint8Array(0), timeoutMs: options.timeoutMs };
    const { outcome, changes } = await group.callWithProcessStreams(request);
    const endedItself = outcome.status === "ok" || outcome.status === "guest-error";
    const notWritten = options.writesBack && endedItself ? writeBack(options.directories, changes) : [];
    return { outcome, skipped, notWritten, initLog: report.log };
  } finally {
    await group.close();
  }
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
