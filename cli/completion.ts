/** `faaslet completion`: scripts that let a shell complete commands and options. */
import { EXIT } from "./exit_code.ts";
import { GLOBAL_OPTIONS } from "./globals.ts";
import { defineVerb, type Verb } from "./verb.ts";
import { FaasletError } from "../errors.ts";

const SHELLS = { bash, zsh, fish } as const;

/** A command, its long options, and what may stand first behind it. */
interface Known {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly KnownOption[];
  readonly first: readonly string[];
}

interface KnownOption {
  readonly flag: string;
  /** What may stand behind it; empty when that is not known. */
  readonly choices: readonly string[];
}

export const completion = defineVerb({
  name: "completion",
  summary: "print a script for bash, zsh or fish that completes commands and options",
  words: [{
    word: "<shell>",
    summary: "bash, zsh or fish, e.g. source <(faaslet completion bash)",
    choices: Object.keys(SHELLS),
  }],
  needs: ["env"],
  options: {},
  async run({ arguments: [shell], output }) {
    if (shell !== "bash" && shell !== "zsh" && shell !== "fish") {
      throw new FaasletError("ERR_USAGE", `cannot complete for ${shell}: it is bash, zsh or fish`);
    }
    // Late: the list of commands has this one in it.
    const { VERBS } = await import("./verbs.ts");
    output.bytes(new TextEncoder().encode(SHELLS[shell](VERBS.filter((verb) => verb.isHidden !== true).map(knownOf))));
    return EXIT.ok;
  },
});

function knownOf({ name, summary, options, words }: Verb): Known {
  const specs = [...Object.values(options), ...Object.values(GLOBAL_OPTIONS)];
  return {
    name,
    summary,
    options: specs.flatMap(({ flags, choices }) =>
      (flags.match(/--[a-z-]+/g) ?? []).map((flag) => ({ flag, choices: choices ?? [] }))
    ),
    first: words?.[0]?.choices ?? [],
  };
}

function bash(verbs: readonly Known[]): string {
  const flags = verbs.map(({ name, options }) =>
    `    ${name}) words="${options.map(({ flag }) => flag).join(" ")}" ;;`
  );
  const firsts = verbs.filter(({ first }) => first.length > 0)
    .map(({ name, first }) => `    ${name}) words="${first.join(" ")}" ;;`);
  const behind = verbs.flatMap(({ name, options }) =>
    options.filter(({ choices }) => choices.length > 0)
      .map(({ flag, choices }) => `    "${name} ${flag}") words="${choices.join(" ")}" ;;`)
  );
  return `_faaslet() {
  local words="" current="\${COMP_WORDS[COMP_CWORD]}" verb="\${COMP_WORDS[1]}"
  if [ "$COMP_CWORD" = 1 ]; then
    words="${verbs.map(({ name }) => name).join(" ")}"
  elif [[ "$current" == -* ]]; then
    case "$verb" in
${flags.join("\n")}
    esac
  elif [ "$COMP_CWORD" = 2 ]; then
    case "$verb" in
${firsts.join("\n")}
    esac
  else
    case "$verb \${COMP_WORDS[COMP_CWORD-1]}" in
${behind.join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _faaslet faaslet
`;
}

function zsh(verbs: readonly Known[]): string {
  return `autoload -U +X bashcompinit && bashcompinit
${bash(verbs)}`;
}

function fish(verbs: readonly Known[]): string {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = verbs.flatMap(({ name, summary, options, first }) => {
    const isHere = `-n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c faaslet -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
      ...(first.length > 0 ? [`complete -c faaslet ${isHere} -a ${quoted(first.join(" "))}`] : []),
      ...options.map(({ flag, choices }) => {
        const words = choices.length > 0 ? ` -x -a ${quoted(choices.join(" "))}` : "";
        return `complete -c faaslet ${isHere} -l ${flag.slice(2)}${words}`;
      }),
    ];
  });
  return `${lines.join("\n")}\n`;
}
