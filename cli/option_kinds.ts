/** Options by the kind of word behind them. */
import { FaasletError } from "../errors.ts";
import { nearest } from "./nearest.ts";
import { parseBytes, parseDuration } from "./units.ts";
import type { OptionSpec } from "./verb.ts";

/** There or not. */
export function isGiven(flags: string, summary: string): OptionSpec<boolean> {
  return { flags, summary };
}

/** Any word. */
export function text(flags: string, summary: string): OptionSpec<string> {
  return { flags, summary, read: (word) => word };
}

/** Whose certificates count where functions speak TLS; the same word wherever functions run. */
export const ROOTS_OPTION = text(
  "--ca-file <file>",
  "certificates (PEM) that functions believe beside the system's",
);

/** Any word, as often as wanted. */
export function list(flags: string, summary: string): OptionSpec<string[]> {
  return { flags, summary, read: (word, before) => [...(before ?? []), word] };
}

/** A size, in bytes. */
export function bytes(flags: string, summary: string): OptionSpec<number> {
  return { flags, summary, read: parseBytes };
}

/** A duration, in milliseconds. */
export function duration(flags: string, summary: string): OptionSpec<number> {
  return { flags, summary, read: parseDuration };
}

/** A whole number. */
export function count(flags: string, summary: string): OptionSpec<number> {
  return { flags, summary, read: readCount };
}

/** One of a few words. */
export function choice<const C extends string>(flags: string, choices: readonly C[], summary: string): OptionSpec<C> {
  return {
    flags,
    summary: `${summary}: ${choices.join(", ")}`,
    choices,
    read(word) {
      const chosen = choices.find((one) => one === word);
      if (chosen !== undefined) return chosen;
      const meant = nearest(word, choices);
      const details = meant === undefined ? [] : [`Did you mean ${meant}?`];
      throw new FaasletError("ERR_USAGE", `cannot use ${JSON.stringify(word)}: it is one of ${choices.join(", ")}`, {
        details,
      });
    },
  };
}

/** `NAME=value` pairs; a later one wins. */
export function variables(flags: string, summary: string): OptionSpec<Record<string, string>> {
  return { flags, summary, read: readVariable };
}

/** A function's name, and the file of its module. */
export interface NamedFile {
  readonly name: string;
  readonly path: string;
}

/** `NAME=FILE` pairs. */
export function namedFiles(flags: string, summary: string): OptionSpec<NamedFile[]> {
  return {
    flags,
    summary,
    read(word, before) {
      const at = word.indexOf("=");
      if (at <= 0 || at === word.length - 1) {
        throw new FaasletError("ERR_USAGE", `cannot use ${JSON.stringify(word)}: write NAME=FILE`);
      }
      return [...(before ?? []), { name: word.slice(0, at), path: word.slice(at + 1) }];
    },
  };
}

/** A path of this machine, and where the guest sees it. */
export interface PathPair {
  readonly host: string;
  readonly guest: string;
}

/** `HOST<separator>GUEST` pairs of paths. */
export function pathPairs(flags: string, separator: ":" | "::", summary: string): OptionSpec<PathPair[]> {
  return {
    flags,
    summary,
    read(word, before) {
      const at = word.lastIndexOf(separator);
      const host = word.slice(0, Math.max(0, at));
      const guest = word.slice(at + separator.length);
      if (host !== "" && guest.startsWith("/")) return [...(before ?? []), { host, guest }];
      const shown = JSON.stringify(word);
      throw new FaasletError(
        "ERR_USAGE",
        `cannot use ${shown}: write HOST${separator}GUEST, where GUEST begins with /`,
      );
    },
  };
}

function readCount(word: string): number {
  const value = /^\d+$/.test(word) ? Number(word) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new FaasletError("ERR_USAGE", `cannot read ${JSON.stringify(word)} as a whole number`);
}

function readVariable(word: string, before: Record<string, string> | undefined): Record<string, string> {
  const at = word.indexOf("=");
  if (at > 0) return { ...before, [word.slice(0, at)]: word.slice(at + 1) };
  throw new FaasletError("ERR_USAGE", `cannot use ${JSON.stringify(word)}: write NAME=value`);
}
