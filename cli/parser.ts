/**
 * Command lines, read by commander. The only file that knows it: another parser replaces this file alone.
 *
 * @module
 */
import { Argument, Command, CommanderError, Option } from "commander";
import { FaasletError } from "../errors.ts";
import type { OptionSpec, OptionSpecs, Verb } from "./verb.ts";

/** What a program understands. */
export interface Grammar {
  readonly name: string;
  readonly summary: string;
  readonly version: string;
  readonly verbs: readonly Verb[];
  /** Options that may stand before and behind every verb. */
  readonly globals: OptionSpecs;
}

/** What a command line asks for: a verb to run, or a text to print. */
export type Parsed =
  | {
    readonly kind: "verb";
    readonly verb: Verb;
    readonly arguments: string[];
    readonly options: Values;
    readonly globals: Values;
  }
  | { readonly kind: "text"; readonly text: string };

type Values = Record<string, unknown>;

const GLOBAL_HEADING = "Options of every command:";

/** Reads the words of a command line. Throws `ERR_USAGE`. */
export function parse(grammar: Grammar, words: readonly string[]): Parsed {
  const printed: string[] = [];
  const program = commandOf(grammar.name, grammar.summary, printed)
    .usage("[options] <command>")
    .version(`${grammar.name} ${grammar.version}`, "-V, --version", "print the version")
    .enablePositionalOptions()
    .helpCommand("help [command]", "explain a command");
  addOptions(program, grammar.globals, GLOBAL_HEADING);
  let parsed: Parsed | undefined;
  for (const verb of grammar.verbs) {
    const command = addVerb(program, verb, grammar.globals, printed);
    command.action(() => {
      const before = valuesOf(program, grammar.globals);
      const behind = valuesOf(command, grammar.globals);
      parsed = {
        kind: "verb",
        verb,
        arguments: command.args,
        options: valuesOf(command, verb.options),
        globals: { ...before, ...behind },
      };
    });
  }
  try {
    if (words.length === 0) {
      throw new FaasletError("ERR_USAGE", `cannot run nothing: name a command, e.g. ${grammar.name} help`);
    }
    program.parse(explained(grammar, words), { from: "user" });
  } catch (thrown) {
    return textOf(thrown, printed, grammar.name);
  }
  if (parsed !== undefined) return parsed;
  return { kind: "text", text: printed.join("") };
}

/** Asked to explain a command that is not there, commander explains all: as that command it is missed, by name. */
function explained({ verbs }: Grammar, words: readonly string[]): string[] {
  const [first, asked = "-"] = words;
  if (first !== "help" || asked.startsWith("-")) return [...words];
  if (asked === "help") return ["help"];
  return verbs.some(({ name, alias }) => asked === name || asked === alias) ? [...words] : [asked];
}

function commandOf(name: string, summary: string, printed: string[]): Command {
  return new Command(name)
    .description(summary)
    .exitOverride()
    .showSuggestionAfterError(true)
    .helpOption("-h, --help", "explain")
    .configureOutput({
      writeOut: (text) => void printed.push(text),
      // The error that is thrown holds the same text.
      writeErr: () => {},
      getOutHelpWidth: () => 100,
      getOutHasColors: () => false,
    });
}

function addVerb(program: Command, verb: Verb, globals: OptionSpecs, printed: string[]): Command {
  const command = commandOf(verb.name, verb.summary, printed);
  for (const { word, summary } of verb.words ?? []) command.addArgument(new Argument(word, summary));
  if (verb.alias !== undefined) command.alias(verb.alias);
  addOptions(command, verb.options);
  addOptions(command, withoutTaken(globals, verb.options), GLOBAL_HEADING);
  if (verb.isPassedThrough === true) command.passThroughOptions();
  program.addCommand(command, { hidden: verb.isHidden === true });
  return command;
}

function addOptions(command: Command, specs: OptionSpecs, heading?: string): void {
  for (const spec of Object.values(specs)) {
    const option = new Option(spec.flags, spec.summary);
    const { read } = spec;
    if (read !== undefined) {
      option.argParser((word, before) => readWord(spec, () => read(word, before)));
    }
    if (heading !== undefined) option.helpGroup(heading);
    command.addOption(option);
  }
}

/** A letter that the subcommand has for an option of its own is not a global one's there. */
function withoutTaken(globals: OptionSpecs, own: OptionSpecs): OptionSpecs {
  const taken = new Set(Object.values(own).map(({ flags }) => new Option(flags).short));
  return Object.fromEntries(
    Object.entries(globals).map(([name, spec]) => {
      const { short } = new Option(spec.flags);
      if (short === undefined || !taken.has(short)) return [name, spec];
      return [name, { ...spec, flags: spec.flags.replace(`${short}, `, "") }];
    }),
  );
}

/** Says which option a wrong word belongs to. */
function readWord<T>(spec: OptionSpec<T>, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof FaasletError)) throw thrown;
    throw new FaasletError(thrown.code, `option '${spec.flags}': ${thrown.message}`, {
      details: thrown.details,
      cause: thrown,
    });
  }
}

function valuesOf(command: Command, specs: OptionSpecs): Values {
  const given = command.opts();
  const values: Values = {};
  for (const [name, { flags }] of Object.entries(specs)) {
    const value = given[new Option(flags).attributeName()];
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** A text that was asked for is no error; everything else that commander throws is one of usage. */
function textOf(thrown: unknown, printed: readonly string[], name: string): Parsed {
  if (!(thrown instanceof CommanderError)) throw thrown;
  if (thrown.exitCode === 0) return { kind: "text", text: printed.join("") };
  const [first, ...more] = thrown.message.replace(/^error: /, "").split("\n");
  const details = more.map((line) => line.replace(/^\(|\)$/g, "")).filter((line) => line !== "");
  if (thrown.code === "commander.help") {
    throw new FaasletError("ERR_USAGE", `cannot run nothing: name a command, e.g. ${name} help`);
  }
  throw new FaasletError("ERR_USAGE", first!, { details, cause: thrown });
}
