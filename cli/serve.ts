/** `faaslet serve`: a host, until it is told to stop. */
import { FaasletError } from "../errors.ts";
import { defaultDataDirectory } from "./data_directory.ts";
import { EXIT } from "./exit_code.ts";
import { LOG_FORMATS, openLog } from "./log.ts";
import { choice, count, duration, ROOTS_OPTION, text } from "./option_kinds.ts";
import { ADD_ON_NEEDS, CLIENT_NEEDS } from "./permissions.ts";
import { defineVerb } from "./verb.ts";

const LISTEN_DEFAULT = "127.0.0.1:8080";
/** As a shell reports a process that a signal ended. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

export const serve = defineVerb({
  name: "serve",
  summary: "run a host until SIGTERM or SIGINT; it lets running calls end, a second signal does not",
  needs: [...CLIENT_NEEDS, ...ADD_ON_NEEDS, "run"],
  options: {
    listen: text("--listen <address>", `where to listen, loopback only (${LISTEN_DEFAULT}; port 0 takes a free one)`),
    data: text("--data <directory>", "where functions are kept (XDG_DATA_HOME/faaslet)"),
    caFile: ROOTS_OPTION,
    clockStep: duration("--clock-step <duration>", "the finest clock that functions may have, from 1ms to 1s (1us)"),
    records: count("--records <count>", "calls to remember, of good and of failed ones each; 0 remembers none (10000)"),
    logFormat: choice("--log-format <format>", LOG_FORMATS, "how the log on standard error is written"),
  },
  async run({ options, output }) {
    // Late, since only the subcommands that need the add-on should fail without it.
    const { startHost } = await import("./host.ts");
    const stopped = whenSignalled();
    const format = options.logFormat ?? "text";
    const logger = openLog(format);
    // A program that reads the log as JSON can do with nothing else on standard error.
    const say = (what: string) => format === "json" ? logger.info("{what}", { what }) : output.note(what);
    const warn = (what: string) =>
      format === "json" ? logger.warn("{what}", { what }) : output.note(`warning: ${what}`);
    const host = await startHost({
      ...parseAddress(options.listen ?? LISTEN_DEFAULT),
      dataDirectory: options.data ?? defaultDataDirectory(),
      ...(options.caFile !== undefined && { rootsPath: options.caFile }),
      ...(options.clockStep !== undefined && { clockResolutionUsMin: options.clockStep * 1_000 }),
      ...(options.records !== undefined && { recordsMax: options.records }),
      logger,
    });
    const { url, dataDirectory } = host;
    if (output.format === "json") output.json({ url, pid: Deno.pid, dataDirectory });
    else if (output.format === "name") output.line(url);
    say(`listening on ${url}, data in ${dataDirectory}`);
    say("isolation: none; all functions run in this process, for one user who trusts what he deploys");
    if (host.isOpenToOthers) warn(`other users may read ${dataDirectory}; chmod 700 closes it`);
    await stopped;
    say("stopping: no new calls; a second signal stops at once");
    await host.stop();
    return EXIT.ok;
  },
});

/** Reads `host:port`, `[v6]:port` or a port alone. Throws `ERR_USAGE`. */
export function parseAddress(text: string): { hostname: string; port: number } {
  const parts = /^(?:(\[[0-9A-Fa-f:.]+\]|[^:[\]]+):)?(\d{1,5})$/.exec(text);
  const port = Number(parts?.[2]);
  if (parts !== null && port <= 65_535) return { hostname: parts[1] ?? "127.0.0.1", port };
  throw new FaasletError(
    "ERR_USAGE",
    `cannot listen on ${JSON.stringify(text)}: write HOST:PORT, e.g. ${LISTEN_DEFAULT}`,
  );
}

/** Resolves at the first signal to stop; the second one ends the process. */
function whenSignalled(): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false;
    for (const [signal, exitCode] of Object.entries(SIGNALS)) {
      Deno.addSignalListener(signal as keyof typeof SIGNALS, () => {
        if (isStopping) Deno.exit(exitCode);
        isStopping = true;
        resolve();
      });
    }
  });
}
