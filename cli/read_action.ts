/** The first word of a subcommand that has several actions. */
import { FaasletError } from "../errors.ts";
import { nearest } from "./nearest.ts";

/** Reads the action. Throws `ERR_USAGE`, with what was probably meant. */
export function readAction<const A extends string>(word: string, actions: readonly A[]): A {
  const known = actions.find((one) => one === word);
  if (known !== undefined) return known;
  const meant = nearest(word, actions);
  const details = meant === undefined ? [] : [`Did you mean ${meant}?`];
  throw new FaasletError("ERR_USAGE", `unknown action '${word}': it is one of ${actions.join(", ")}`, { details });
}
