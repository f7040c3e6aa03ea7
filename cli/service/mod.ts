/** `faaslet service`: a host that systemd starts, restarts and shuts in. */
import { resolve } from "node:path";
import { FaasletError } from "../../errors.ts";
import { defaultDataDirectory } from "../data_directory.ts";
import { EXIT } from "../exit_code.ts";
import { isGiven, text } from "../option_kinds.ts";
import type { Output } from "../output.ts";
import { readAction } from "../read_action.ts";
import { defineVerb } from "../verb.ts";
import { install, type Outcome, uninstall } from "./install.ts";
import { type Place, placeOf, programOf } from "./place.ts";
import { SYSTEM_DATA, unitText } from "./unit.ts";

export { unitText } from "./unit.ts";

const ACTIONS = ["install", "uninstall"] as const;

export const service = defineVerb({
  name: "service",
  summary: "install a host as a hardened systemd service, or take it away; what it keeps stays",
  needs: ["read", "write", "env", "run"],
  words: [{ word: "<action>", summary: "install or uninstall", choices: ACTIONS }],
  options: {
    user: isGiven("--user", "a service of this user alone, which needs no root"),
    dryRun: isGiven("--dry-run", "print the unit, and change nothing"),
    listen: text("--listen <address>", "as of `faaslet serve`"),
    data: text("--data <directory>", `with --user: where functions are kept (else ${SYSTEM_DATA})`),
    network: isGiven("--network", "let functions reach other machines, as far as their settings name them"),
    program: text("--program <file>", "the compiled program that the service runs (this one)"),
    root: text("--root <directory>", "the tree of another system, e.g. of an image: nothing is started"),
  },
  async run({ arguments: [word], options, output }) {
    const action = readAction(word!, ACTIONS);
    const isUser = options.user === true;
    const isShownOnly = options.dryRun === true;
    if (options.data !== undefined && !isUser) {
      throw new FaasletError(
        "ERR_USAGE",
        `cannot use --data without --user: the service's directory is ${SYSTEM_DATA}`,
      );
    }
    if (isShownOnly && action === "uninstall") {
      throw new FaasletError(
        "ERR_USAGE",
        "cannot use --dry-run with uninstall: it prints the unit that install would write",
      );
    }
    const data = isUser ? resolve(options.data ?? defaultDataDirectory()) : SYSTEM_DATA;
    const place = await placeOf({ root: options.root, isUser, isShownOnly });
    if (action === "uninstall") {
      show(output, place, await uninstall(place), data);
      output.note(`functions and state are left alone, in ${data}`);
      return EXIT.ok;
    }
    const words = ["--data", data, ...(options.listen === undefined ? [] : ["--listen", options.listen])];
    const program = await programOf(options.program, isUser, options.root);
    const unit = await unitText({ program, words, isUser, reachesNetwork: options.network === true });
    if (isShownOnly) {
      if (output.format === "json") output.json({ path: place.path, unit });
      else output.bytes(new TextEncoder().encode(unit));
      return EXIT.ok;
    }
    show(output, place, await install(place, unit), data);
    if (isUser) output.note("it ends when you log out, unless `loginctl enable-linger` was called");
    return EXIT.ok;
  },
});

function show(output: Output, { path }: Place, outcome: Outcome, data: string): void {
  if (output.format === "json") output.json({ outcome, path, data });
  else if (output.format === "name") output.line(path);
  else output.line(`${outcome} ${path}`);
}
