/** Where a unit goes, and whether there is a systemd that reads it. */
import { join, resolve } from "node:path";
import { FaasletError } from "../../errors.ts";

export const UNIT = "faaslet.service";

/** The manager whose unit it is. */
export interface Place {
  /** The unit's file. */
  readonly path: string;
  /** The link by which another system starts it; undefined where `systemctl` makes it. */
  readonly link: string | undefined;
  /** How `systemctl` is asked; undefined for the tree of a system that does not run here. */
  readonly systemctl: readonly string[] | undefined;
}

/** Below `root`, of this user, or of this machine. Throws `ERR_CONFLICT` without systemd, unless `isShownOnly`. */
export async function placeOf(
  options: { readonly root: string | undefined; readonly isUser: boolean; readonly isShownOnly: boolean },
): Promise<Place> {
  const { root, isUser, isShownOnly } = options;
  if (root !== undefined) {
    if (isUser) throw new FaasletError("ERR_USAGE", "cannot use --root with --user: it is the tree of a whole system");
    const units = join(resolve(root), "etc/systemd/system");
    return { path: join(units, UNIT), link: join(units, "multi-user.target.wants", UNIT), systemctl: undefined };
  }
  const runtime = isUser ? Deno.env.get("XDG_RUNTIME_DIR") : "/run";
  const mark = runtime && join(runtime, isUser ? "systemd" : "systemd/system");
  if (!isShownOnly && (!mark || !await isThere(mark))) {
    const whose = isUser ? "this user has no manager of systemd's" : "this machine was not started by systemd";
    const cure = "--dry-run prints the unit, `faaslet serve` runs a host without it";
    throw new FaasletError(
      "ERR_CONFLICT",
      `cannot work on a service: ${whose} (no ${mark ?? "XDG_RUNTIME_DIR"}); ${cure}`,
    );
  }
  if (!isUser) return { path: join("/etc/systemd/system", UNIT), link: undefined, systemctl: ["systemctl"] };
  const configuration = Deno.env.get("XDG_CONFIG_HOME") || join(Deno.env.get("HOME") || "/", ".config");
  return { path: join(configuration, "systemd/user", UNIT), link: undefined, systemctl: ["systemctl", "--user"] };
}

/** The program that the service starts. Throws `ERR_USAGE` when it is none, or the service would not see it. */
export async function programOf(given: string | undefined, isUser: boolean, root: string | undefined): Promise<string> {
  if (given === undefined && !Deno.build.standalone) {
    const cure = "make it with `task compile` and name it with --program";
    throw new FaasletError("ERR_USAGE", `cannot use this program as a service: it runs from source, ${cure}`);
  }
  const program = resolve(given ?? Deno.execPath());
  if (root === undefined && !await isThere(program)) {
    throw new FaasletError("ERR_USAGE", `cannot use ${program} as a service: there is no such file`);
  }
  // The unit hides homes and has temporary directories of its own.
  if (!isUser && /^\/(home|root|run\/user|tmp|var\/tmp)\//.test(program)) {
    const cure = `put it elsewhere first: install -m 755 ${program} /usr/local/bin/faaslet`;
    throw new FaasletError("ERR_USAGE", `cannot use ${program} as a service: the service does not see it; ${cure}`);
  }
  return program;
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
