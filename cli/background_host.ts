/** A host that outlives the command that needed it. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { FaasletError } from "../errors.ts";
import type { Client } from "./client.ts";
import { logPath } from "./data_directory.ts";
import { selfCommand } from "./self.ts";

/** A host that was started. */
export interface BackgroundHost {
  readonly pid: number;
  readonly logPath: string;
  /** Lets running calls end, and waits for it. */
  stop(): Promise<void>;
}

/** It compiles nothing at its start, but may wait for a busy machine. */
const START_MS_MAX = 60_000;
const ASK_EVERY_MS = 25;
const LOG_TAIL_LINES = 8;

/**
 * Starts a host at the client's gateway; undefined when one answers there already. Throws `ERR_UNREACHABLE` when the
 * gateway is not of this machine, and when the host ends at once.
 */
export async function startBackgroundHost(client: Client, dataDirectory: string): Promise<BackgroundHost | undefined> {
  if (await answers(client)) return undefined;
  const listen = await addressOf(client.gateway);
  await Deno.mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const path = logPath(dataDirectory);
  const log = openSync(path, "a", 0o600);
  try {
    const [program, ...words] = selfCommand("serve", "--listen", listen, "--data", dataDirectory);
    const child = spawn(program!, words, { detached: true, stdio: ["ignore", log, log] });
    const hasEnded = { value: false };
    child.once("exit", () => hasEnded.value = true);
    child.once("error", () => hasEnded.value = true);
    await waitFor(client, hasEnded, path);
    child.unref();
    return { pid: child.pid!, logPath: path, stop: () => stop(child) };
  } finally {
    closeSync(log);
  }
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.ref();
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}

async function answers(client: Client): Promise<boolean> {
  try {
    await client.health();
    return true;
  } catch (thrown) {
    if (thrown instanceof FaasletError && thrown.code === "ERR_UNREACHABLE" && thrown.cause instanceof TypeError) {
      return false;
    }
    throw thrown;
  }
}

async function addressOf(gateway: string): Promise<string> {
  const { protocol, hostname, port, pathname } = new URL(gateway);
  const { isLoopback } = await import("../http/mod.ts");
  if (protocol === "http:" && pathname === "/" && isLoopback(hostname)) {
    return `${hostname}:${port === "" ? "80" : port}`;
  }
  throw new FaasletError(
    "ERR_UNREACHABLE",
    `cannot reach ${gateway}: no host answers there, and one can be started on this machine's loopback only`,
  );
}

async function waitFor(client: Client, hasEnded: { readonly value: boolean }, logPath: string): Promise<void> {
  const end = performance.now() + START_MS_MAX;
  while (!await answers(client)) {
    if (hasEnded.value || performance.now() > end) {
      const lines = (await Deno.readTextFile(logPath).catch(() => "")).trimEnd().split("\n");
      const what = hasEnded.value ? "it ended at once" : `it does not answer after ${START_MS_MAX / 1_000} s`;
      const details = lines.slice(-LOG_TAIL_LINES);
      throw new FaasletError("ERR_UNREACHABLE", `cannot start a host: ${what}; its log ${logPath} ends with`, {
        details,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}
