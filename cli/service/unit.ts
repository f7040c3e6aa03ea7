/** The unit of systemd that runs a host: that of `packaging/`, for a compiled program. */
import { fileURLToPath } from "node:url";

/** Whose service it is, and what it runs. */
export interface UnitOptions {
  /** Absolute path of the program. */
  readonly program: string;
  /** Behind `serve`. */
  readonly words: readonly string[];
  /** For a user's own manager, which may do less for it. */
  readonly isUser: boolean;
  /** Whether functions may reach other machines, as far as their settings name them. */
  readonly reachesNetwork: boolean;
}

/** Where a service of the whole machine keeps what it is told: a directory that the manager makes. */
export const SYSTEM_DATA = "/var/lib/faaslet";

/** What a user's manager cannot do without rights, or leaves undone: users of its own, capabilities, mounts, packet filters. */
const SYSTEM_ONLY =
  /^(After|DynamicUser|StateDirectory|StateDirectoryMode|CapabilityBoundingSet|AmbientCapabilities|Protect\w+|Private\w+|RemoveIPC)=.*\n/gm;
const NETWORK_WALL = /\n# The network is .*\n(IPAddress\w+=.*\n)+/;

/** The unit's text. */
export async function unitText({ program, words, isUser, reachesNetwork }: UnitOptions): Promise<string> {
  const path = fileURLToPath(new URL("../../packaging/faaslet.service", import.meta.url));
  const home = isUser ? [] : [`HOME=${SYSTEM_DATA}`, `FAASLET_RUNTIME_DIR=${SYSTEM_DATA}/runtime`];
  const command = [program, "serve", ...words].map(quoted).join(" ");
  let text = (await Deno.readTextFile(path)).replace(/^(#.*\n)+\n/, "")
    .replace(/^Documentation=.*\n/m, "")
    .replace(/^ExecStart=.*$/m, () => `ExecStart=${command}`)
    .replace(/^Environment=.*$/m, `Environment=${["NO_COLOR=1", ...home].join(" ")}`);
  if (reachesNetwork || isUser) text = text.replace(NETWORK_WALL, "");
  if (isUser) {
    text = text.replace(SYSTEM_ONLY, "").replace(/^WorkingDirectory=.*\n/m, "").replace(
      /^WantedBy=.*$/m,
      "WantedBy=default.target",
    );
  }
  // A comment whose settings are gone says nothing.
  return text.replace(/\n(#.*\n)+(?=\n\[|\n#)/g, "").replace(/\n{3,}/g, "\n\n");
}

/** A word as systemd reads it (systemd.service(5)): specifiers and variables are none. */
function quoted(word: string): string {
  const escaped = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w@%+=:,./$-]+$/.test(escaped) ? escaped : JSON.stringify(escaped);
}
