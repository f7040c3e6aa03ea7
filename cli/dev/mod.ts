/** `faaslet dev`: the program that is being written, live on a host after each change. */
import { EXIT } from "../exit_code.ts";
import { findProject } from "../find_project.ts";
import { FUNCTION_OPTIONS } from "../function_options.ts";
import { text } from "../option_kinds.ts";
import { CLIENT_NEEDS } from "../permissions.ts";
import { PROGRAM_OR_PROJECT_WORD } from "../read_program.ts";
import { reachHost } from "../up.ts";
import { defineVerb } from "../verb.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export const dev = defineVerb({
  name: "dev",
  summary: "build, deploy, and again after each change; show what calls write, until Ctrl-C",
  needs: [...CLIENT_NEEDS, "write", "run"],
  words: [PROGRAM_OR_PROJECT_WORD],
  takesProject: true,
  options: {
    ...FUNCTION_OPTIONS,
    hostData: text("--host-data <directory>", "where a host that has to be started keeps functions"),
  },
  async run({ arguments: [word], options, globals, output }) {
    // Late: most commands read no project.
    const { openTarget } = await import("./target.ts");
    const { Session } = await import("./session.ts");
    const stop = new AbortController();
    const onSignal = () => stop.abort();
    for (const signal of SIGNALS) Deno.addSignalListener(signal, onSignal);
    const target = openTarget(word, await findProject(word, globals.config), options);
    // What cannot be read at all needs no host.
    await target.read();
    const { client, started } = await reachHost({ globals, dataDirectory: options.hostData }, output);
    try {
      await new Session({ client, output, target, stopped: stop.signal }).run();
    } finally {
      for (const signal of SIGNALS) Deno.removeSignalListener(signal, onSignal);
      if (started !== undefined) {
        output.note("stopping the host");
        await started.stop();
      }
    }
    return EXIT.ok;
  },
});
