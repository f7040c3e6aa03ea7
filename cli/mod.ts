/**
 * The command line's door.
 *
 * Job: turn the words of a command line into one subcommand's work and an exit code: 0 ok, 1 failure, 2 usage, 3 not
 * found, 4 not allowed, 5 timeout, 6 the function failed (`run` has its own codes). It is also where the parts of a host
 * are put together (`host.ts`).
 *
 * Not its job: anything that an HTTP client could not ask for as well, but for `check`, `run` and `doctor`.
 *
 * Invariants: data goes to standard output and nothing else does; nothing of a guest reaches a terminal unescaped,
 * except through `run`, which is the guest's own terminal.
 *
 * @module
 */
import { toFaasletError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { EXIT, exitCodeOf } from "./exit_code.ts";
import { GLOBAL_OPTIONS, resolveGlobals } from "./globals.ts";
import { Output } from "./output.ts";
import { type Grammar, parse } from "./parser.ts";
import { readProjectGlobals } from "./find_project.ts";
import { asksHost, giveUp } from "./permissions.ts";
import type { Globals, Verb } from "./verb.ts";
import { VERBS } from "./verbs.ts";

const GRAMMAR: Grammar = {
  name: "faaslet",
  summary: "Functions compiled to WebAssembly, on your own machine.",
  version: VERSION,
  verbs: VERBS,
  globals: GLOBAL_OPTIONS,
};

/** Runs a command line; resolves with the exit code. */
export async function main(words: readonly string[]): Promise<number> {
  let output = outputOf({ format: words.includes("--json") || words.includes("-j") ? "json" : "table" });
  // For the hint behind an error of usage, which is found before anything is parsed.
  let verb: Verb | undefined = VERBS.find(({ name, alias }) => words[0] === name || (words[0] ?? "") === alias);
  try {
    const parsed = parse(GRAMMAR, words);
    if (parsed.kind === "text") {
      output.bytes(new TextEncoder().encode(parsed.text));
      return EXIT.ok;
    }
    verb = parsed.verb;
    giveUp(verb);
    const { needs, takesProject } = verb;
    const word = takesProject === true ? parsed.arguments[0] : undefined;
    const globals = await resolveGlobals(parsed.globals, {
      environment: (name) => Deno.env.get(name),
      file: (config) => asksHost(needs) ? readProjectGlobals(config, word) : Promise.resolve({}),
    });
    output = outputOf(globals);
    return await verb.run({ arguments: parsed.arguments, options: parsed.options, globals, output });
  } catch (thrown) {
    // Whoever read our output has gone, as `head` does: there is nobody left to tell.
    if (thrown instanceof Deno.errors.BrokenPipe) return EXIT.failure;
    const error = toFaasletError(thrown);
    output.error(error);
    if (error.code === "ERR_USAGE" && output.format !== "json") {
      output.note(`Try: faaslet ${verb?.name ?? ""} --help`.replace("  ", " "));
    }
    return verb?.exitCodeOf?.(error) ?? exitCodeOf(error);
  }
}

function outputOf(globals: Partial<Globals>): Output {
  return new Output({
    stdout: Deno.stdout,
    stderr: Deno.stderr,
    format: globals.format ?? "table",
    isQuiet: globals.isQuiet ?? false,
    isVerbose: globals.isVerbose ?? false,
    mayColor: !Deno.noColor,
  });
}
