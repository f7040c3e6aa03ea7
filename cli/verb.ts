/**
 * What a subcommand is made of, in words that no parser library owns: `parser.ts` is the one file that knows ours.
 *
 * @module
 */
import type { FaasletError } from "../errors.ts";
import type { Output, OutputFormat } from "./output.ts";

/** An option of a subcommand, e.g. `-d, --data <data>`. Without `read` it is a switch. */
export interface OptionSpec<T> {
  readonly flags: string;
  readonly summary: string;
  /** All words that it takes, for shells that complete them. */
  readonly choices?: readonly string[];
  /** Turns the word behind the option into its value; `before` is what earlier ones of a list gave. Throws `ERR_USAGE`. */
  readonly read?: (word: string, before: T | undefined) => T;
}

/** Options by the name that the subcommand's code uses. */
// deno-lint-ignore no-explicit-any -- Any value type; `ValuesOf` gives it back.
export type OptionSpecs = Readonly<Record<string, OptionSpec<any>>>;

/** What the parser made of them; undefined when an option was not given. */
export type ValuesOf<O extends OptionSpecs> = {
  readonly [K in keyof O]: O[K] extends OptionSpec<infer T> ? T | undefined : never;
};

/** Options that every subcommand takes. */
export interface Globals {
  /** URL of the host that is asked, without a slash at the end. */
  readonly gateway: string;
  /** The project's file that was named; undefined when none was. */
  readonly config: string | undefined;
  readonly format: OutputFormat;
  readonly isQuiet: boolean;
  readonly isVerbose: boolean;
}

/** What a subcommand runs with. */
export interface Invocation<O extends OptionSpecs> {
  readonly arguments: readonly string[];
  readonly options: ValuesOf<O>;
  readonly globals: Globals;
  readonly output: Output;
}

/** A permission of Deno's. */
export type Need = Exclude<Deno.PermissionName, "import">;

/** A word without dashes. */
export interface PositionalWord {
  readonly word: string;
  readonly summary: string;
  /** All that it may be, for shells that complete it. */
  readonly choices?: readonly string[];
}

/** A subcommand. */
export interface Verb<O extends OptionSpecs = OptionSpecs> {
  readonly name: string;
  readonly alias?: string;
  readonly summary: string;
  /** Positional words: `<file>` must be there, `[file]` may, `[words...]` takes all that follow. */
  readonly words?: readonly PositionalWord[];
  readonly options: O;
  /** Everything behind the first positional word is the guest's, options too. */
  readonly isPassedThrough?: boolean;
  readonly isHidden?: boolean;
  /** Its first positional word may be a directory with a project's file. */
  readonly takesProject?: boolean;
  /** What it needs of Deno; all else is given up before it runs. Default: what a client of a host needs. */
  readonly needs?: readonly Need[];
  /** Resolves with the exit code. What it throws is printed and becomes one. */
  run(invocation: Invocation<O>): Promise<number>;
  /** Where its exit codes are not everybody's. */
  exitCodeOf?(error: FaasletError): number;
}

/** Lets the compiler infer the types of a subcommand's options, and forgets them. */
export function defineVerb<const O extends OptionSpecs>(verb: Verb<O>): Verb {
  return verb as unknown as Verb;
}
