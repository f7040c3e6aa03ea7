/** `faaslet run`: one Faaslet, here and now. */
import { resolveName, RootCalls } from "../hostif/mod.ts";
import { basename, join } from "node:path";
import { type ErrorCode, FaasletError } from "../errors.ts";
import { FUNCTION_LIMITS } from "../limits.ts";
import { checkName } from "../names.ts";
import type { CallOutcome, LiveFunction, WorkerGroup } from "../runtime/mod.ts";
import { cacheDirectory } from "./data_directory.ts";
import {
  bytes,
  duration,
  isGiven,
  list,
  namedFiles,
  pathPairs,
  ROOTS_OPTION,
  text,
  variables,
} from "./option_kinds.ts";
import { ADD_ON_NEEDS } from "./permissions.ts";
import { PROGRAM_WORD, readProgram } from "./read_program.ts";
import { defineVerb } from "./verb.ts";

/** Exit codes of ours; every other one is the program's own. */
const EXIT_OF_RUN = {
  /** What is not one of the others: a fault of ours, a limit of this machine. */
  failure: 120,
  usage: 121,
  /** The file is not there, cannot be built, or is no module that can run here. */
  module: 122,
  trap: 123,
  timeout: 124,
  cancelled: 125,
} as const;

const EXIT_OF_CODE: Partial<Record<ErrorCode, number>> = {
  ERR_USAGE: EXIT_OF_RUN.usage,
  ERR_NAME_INVALID: EXIT_OF_RUN.usage,
  ERR_SETTINGS_INVALID: EXIT_OF_RUN.usage,
  ERR_NOT_FOUND: EXIT_OF_RUN.module,
  ERR_TOOLCHAIN: EXIT_OF_RUN.module,
  ERR_MODULE_FORMAT: EXIT_OF_RUN.module,
  ERR_MODULE_INVALID: EXIT_OF_RUN.module,
  ERR_MODULE_FEATURE: EXIT_OF_RUN.module,
  ERR_MODULE_IMPORT: EXIT_OF_RUN.module,
  ERR_MODULE_LIMIT: EXIT_OF_RUN.module,
  ERR_MODULE_ENTRY: EXIT_OF_RUN.module,
  ERR_COMPILE: EXIT_OF_RUN.module,
  ERR_COMPILE_LIMIT: EXIT_OF_RUN.module,
  ERR_INIT: EXIT_OF_RUN.trap,
  ERR_GUEST_TRAP: EXIT_OF_RUN.trap,
  ERR_GUEST_STACK: EXIT_OF_RUN.trap,
  ERR_GUEST_POINTER: EXIT_OF_RUN.trap,
  ERR_GUEST_MISUSE: EXIT_OF_RUN.trap,
  ERR_OUTPUT_LIMIT: EXIT_OF_RUN.trap,
  ERR_STATE_LIMIT: EXIT_OF_RUN.trap,
  ERR_LOCK_LOST: EXIT_OF_RUN.trap,
  ERR_CALL_TIMEOUT: EXIT_OF_RUN.timeout,
  ERR_CALL_CANCELLED: EXIT_OF_RUN.cancelled,
};

export const run = defineVerb({
  name: "run",
  summary: "run a program here and now, with these standard streams and its own exit code; ours are: 120 failure, " +
    "121 usage, 122 module refused, 123 trap, 124 timeout, 125 cancelled",
  words: [
    PROGRAM_WORD,
    { word: "[words...]", summary: "its arguments, options too" },
  ],
  isPassedThrough: true,
  needs: [...ADD_ON_NEEDS, "run", "net"],
  options: {
    env: variables("-e, --env <name=value>", "an environment variable; nothing is inherited (repeatable)"),
    dir: pathPairs(
      "--dir <host::guest>",
      "::",
      "a directory that the guest sees, loaded before it starts (repeatable)",
    ),
    writeBack: isGiven("--write-back", "put changed files back into their directories when it has ended"),
    with: namedFiles("--with <name=file>", "a function that the program may chain to by that name (repeatable)"),
    data: text("--data <directory>", "where state that is pushed stays; without it, it is gone with the run"),
    allowNet: list(
      "--allow-net <host:port>",
      "what it may reach: an address, ADDRESS/PREFIX, a name or * (repeatable)",
    ),
    caFile: ROOTS_OPTION,
    entry: text("--entry <export>", "the function to run"),
    init: text("--init <export>", "the function that runs before it"),
    timeout: duration("--timeout <duration>", "how long it may run"),
    memory: bytes("--memory <size>", "what its memory may be"),
  },
  async run({ arguments: [path, ...words], options, output }) {
    // Late, since only the subcommands that need the add-on should fail without it.
    const { ArtefactCache, runOnce } = await import("../runtime/mod.ts");
    const { entry, init } = options;
    const cache = cacheDirectory();
    const roots = await RootCalls.open(options.caFile);
    const companions = [];
    for (const { name, path } of options.with ?? []) {
      companions.push({ name: checkName(name), wasm: await readProgram(output, path) });
    }
    const result = await runOnce({
      wasm: await readProgram(output, path!),
      name: basename(path!, ".wasm"),
      program: basename(path!),
      arguments: words,
      environment: options.env ?? {},
      directories: options.dir ?? [],
      writesBack: options.writeBack === true,
      ...(entry !== undefined && { entry }),
      ...(init !== undefined && { init }),
      allowNet: options.allowNet ?? [],
      timeoutMs: options.timeout ?? FUNCTION_LIMITS.timeoutMsMax,
      memoryBytes: options.memory ?? FUNCTION_LIMITS.memoryBytesMax,
      artefacts: cache === undefined ? undefined : ArtefactCache.open(join(cache, "artefacts")),
      companions,
      call: (group, program, companions) => callWithChains(group, program, companions, { data: options.data, roots }),
      onLog: (log) => output.foreign(new TextDecoder().decode(log)),
    });
    if (result.initLog !== "") output.foreign(result.initLog);
    for (const path of result.skipped) {
      output.note(`note: the guest does not see ${path}: neither a file nor a directory`);
    }
    for (const path of result.notWritten) output.note(`note: not written back: ${path}`);
    return endOf(result.outcome);
  },
  exitCodeOf: exitOf,
});

/** The program's call, and those that it chains to by their names or its own. */
async function callWithChains(
  group: WorkerGroup,
  program: LiveFunction,
  companions: readonly LiveFunction[],
  { data, roots }: { data: string | undefined; roots: RootCalls },
): Promise<CallOutcome> {
  const { RunState } = await import("./run_state.ts");
  await using state = await RunState.open(group, program.record.tenant, data);
  const { Dispatcher } = await import("../scheduler/mod.ts");
  const { SYSTEM_CLOCK } = await import("../http/mod.ts");
  const dispatcher = new Dispatcher({
    group,
    clock: SYSTEM_CLOCK,
    random: (bytes) => void crypto.getRandomValues(bytes),
    current: (_tenant, name) => [program, ...companions].findLast(({ record }) => record.name === name),
    onHostCall(ask, { callId, live, ended }) {
      if (state.takes(ask, { callId, tenant: live.record.tenant, ended })) return;
      const answered = ask.operation === "resolve" ? resolveName(ask.text) : ask.operation === "roots"
        ? roots.answer()
        // There are no shared files without a host.
        : Promise.resolve({ value: 0 });
      void answered.then((answer) => group.answer({ callId: ask.callId, ticket: ask.ticket, ...answer }));
    },
  });
  const { error, ...outcome } = await dispatcher.call({ live: program, input: new Uint8Array(0) });
  // Nobody awaits any more what the program left to itself.
  dispatcher.cancelAll();
  await dispatcher.drain();
  return { ...outcome, ...(error && { error }) };
}

/** The program's exit code as a process would have it: its lowest byte. */
function endOf(outcome: CallOutcome): number {
  if (outcome.status === "ok" || outcome.status === "guest-error") {
    const code = outcome.returnValue & 0xff;
    // A program that failed must not look as if it had not.
    return code === 0 && outcome.returnValue !== 0 ? 1 : code;
  }
  const { code, message } = outcome.error ??
    { code: "ERR_BUG" as const, message: `the run ended as ${outcome.status}` };
  const [first, ...frames] = message.split("\n");
  throw new FaasletError(code, first!, { details: frames.map((frame) => frame.trim()) });
}

function exitOf(error: FaasletError): number {
  return EXIT_OF_CODE[error.code] ?? EXIT_OF_RUN.failure;
}
