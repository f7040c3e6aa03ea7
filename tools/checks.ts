/** The checks that read the project and run nothing of it: form, types, structure. */
import { NATIVE, ROOT } from "./project.ts";

export interface Check {
  readonly name: string;
  readonly words: readonly string[];
  readonly directory: string;
}

const DENO = Deno.execPath();

export const CHECKS: readonly Check[] = [
  { name: "form of TypeScript", words: [DENO, "fmt", "--check", "--quiet"], directory: ROOT },
  { name: "lint of TypeScript", words: [DENO, "lint", "--quiet"], directory: ROOT },
  { name: "types", words: [DENO, "check", "--quiet", "--frozen", "."], directory: ROOT },
  { name: "structure", words: [DENO, "run", "-A", "tools/tidy.ts"], directory: ROOT },
  { name: "form of Rust", words: ["cargo", "fmt", "--all", "--check"], directory: NATIVE },
  {
    name: "lint of Rust",
    words: [
      "cargo",
      "clippy",
      "--release",
      "--locked",
      "--workspace",
      "--all-targets",
      "--quiet",
      "--",
      "-D",
      "warnings",
    ],
    directory: NATIVE,
  },
];
