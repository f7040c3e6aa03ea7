/** `faaslet completion`: scripts that let a shell complete commands and options. */
import { EXIT } from "./exit_code.ts";
import { GLOBAL_OPTIONS } from "./globals.ts";
import { defineVerb, type Verb } from "./verb.ts";
import { FaasletError } from "../errors.ts";

const SHELLS = { bash, zsh, fish } as const;

/** A command and its long options. */
interface Known {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly string[];
}

export const completion = defineVerb({
  name: "completion",
  summary: "print a script for bash, zsh or fish that completes commands and options",
  words: [{ word: "<shell>", summary: "bash, zsh or fish, e.g. source <(faaslet completion bash)" }],
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

function knownOf({ name, summary, options }: Verb): Known {
  const specs = [...Object.values(options), ...Object.values(GLOBAL_OPTIONS)];
  return { name, summary, options: specs.flatMap(({ flags }) => flags.match(/--[a-z-]+/g) ?? []) };
}

function bash(verbs: readonly Known[]): string {
  const cases = verbs.map(({ name, options }) => `    ${name}) words="${options.join(" ")}" ;;`);
  return `_faaslet() {
  local words="" current="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" = 1 ]; then
    words="${verbs.map(({ name }) => name).join(" ")}"
  elif [[ "$current" == -* ]]; then
    case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
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
  const lines = verbs.flatMap(({ name, summary, options }) => [
    `complete -c faaslet -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ...options.map((option) => `complete -c faaslet -n '__fish_seen_subcommand_from ${name}' -l ${option.slice(2)}`),
  ]);
  return `${lines.join("\n")}\n`;
}
