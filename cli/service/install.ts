/** A unit's file, and what systemd is told about it. */
import { dirname } from "node:path";
import { FaasletError } from "../../errors.ts";
import { runTool } from "../build/mod.ts";
import { type Place, UNIT } from "./place.ts";

/** What a file was to us. */
export type Outcome = "created" | "updated" | "unchanged" | "removed" | "absent";

/** Begins every unit of ours: one without it is somebody else's. */
const MARK = "# Written by `faaslet service install`, which writes over it; changes belong into `systemctl edit`.\n\n";
const CURE = "it comes with systemd";

/** Writes the unit and has it started, now and with the system. Throws `ERR_CONFLICT`, `ERR_FORBIDDEN`, `ERR_TOOLCHAIN`. */
export async function install(place: Place, text: string): Promise<Outcome> {
  const wanted = MARK + text;
  const before = await readOwn(place);
  const outcome = before === undefined ? "created" : before === wanted ? "unchanged" : "updated";
  if (outcome !== "unchanged") await withRights(() => write(place.path, wanted));
  if (place.link !== undefined) await withRights(() => link(place.link!));
  if (outcome !== "unchanged") await systemctl(place, "daemon-reload");
  await systemctl(place, "enable", "--now", UNIT);
  if (outcome === "updated") await systemctl(place, "restart", UNIT);
  return outcome;
}

/** Stops the service and takes the unit away; what the host keeps stays. Throws as `install`. */
export async function uninstall(place: Place): Promise<Outcome> {
  if (await readOwn(place) === undefined) return "absent";
  await systemctl(place, "disable", "--now", UNIT);
  await withRights(async () => {
    await Deno.remove(place.path);
    if (place.link !== undefined) await Deno.remove(place.link).catch(absent);
  });
  await systemctl(place, "daemon-reload");
  return "removed";
}

async function readOwn({ path }: Place): Promise<string | undefined> {
  const text = await Deno.readTextFile(path).catch(absent);
  if (text === undefined || text.startsWith(MARK)) return text;
  throw new FaasletError("ERR_CONFLICT", `cannot work on ${path}: faaslet did not write it`);
}

async function write(path: string, text: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  const fresh = `${path}.new`;
  await Deno.writeTextFile(fresh, text, { mode: 0o644 });
  await Deno.rename(fresh, path);
}

/** As `systemctl enable` does it, in a system that does not run. */
async function link(path: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.remove(path).catch(absent);
  await Deno.symlink(`/etc/systemd/system/${UNIT}`, path);
}

async function systemctl({ systemctl }: Place, ...words: string[]): Promise<void> {
  if (systemctl === undefined) return;
  const [program, ...first] = systemctl;
  await runTool(program!, [...first, ...words], CURE);
}

async function withRights(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.PermissionDenied)) throw cause;
    const why = "cannot work on a service of the whole machine without root; --user makes one of yours";
    throw new FaasletError("ERR_FORBIDDEN", why, { cause });
  }
}

function absent(thrown: unknown): undefined {
  if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
}
