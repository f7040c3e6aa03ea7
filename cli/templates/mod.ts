/**
 * What `faaslet new` writes: one language a file. They are text in modules of ours, so that they are in the compiled program
 * without being taken for a part of it.
 *
 * @module
 */
import { ASSEMBLYSCRIPT } from "./assemblyscript.ts";
import { C, CPP } from "./c.ts";
import { GO } from "./go.ts";
import { RUST } from "./rust.ts";

/** A first function in one language. */
export interface Template {
  /** Of its only source. */
  readonly extension: string;
  readonly source: string;
  /** What builds it, in words. */
  readonly builtWith: string;
}

/** By the word behind `--lang`. */
export const TEMPLATES = { c: C, cpp: CPP, rust: RUST, go: GO, as: ASSEMBLYSCRIPT } as const satisfies Readonly<
  Record<string, Template>
>;

export type Language = keyof typeof TEMPLATES;

/** A project's files by their names. */
export function projectFiles(name: string, language: Language): Record<string, string> {
  const { extension, source, builtWith } = TEMPLATES[language];
  const file = `${name}${extension}`;
  return { [file]: source, "faaslet.toml": configuration(name, file), "README.md": readme(name, file, builtWith) };
}

function configuration(name: string, file: string): string {
  return `# What \`faaslet deploy\`, \`faaslet up\` and \`faaslet dev\` make of this directory. The keys are the options of
# \`faaslet deploy\`, see \`faaslet help deploy\`: --init-timeout 3s is init-timeout = "3s".

[functions.${name}]
source = "${file}"
timeout = "5s"
memory = "16MiB"
content-type = "text/plain"
# env = { GREETING = "hello" }
# file = { "/etc/words.txt" = "words.txt" }
# allow-net = ["example.com:443"]
`;
}

function readme(name: string, file: string, builtWith: string): string {
  return `# ${name}

A function for faaslet in \`${file}\`. ${builtWith}

\`\`\`
faaslet dev            # build, deploy, and again after each change; Ctrl-C ends it
faaslet up -d Ada      # build, deploy, call once
faaslet deploy --dry-run
faaslet invoke ${name} -d Ada
\`\`\`

\`faaslet.toml\` has its settings. The request's body is the call's input; what the function answers is the response's.
`;
}
