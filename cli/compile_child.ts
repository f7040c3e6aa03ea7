/** `faaslet compile-child`: what a host starts to compile a module; hidden, since nobody else has a use for it. */
import { EXIT } from "./exit_code.ts";
import { ADD_ON_NEEDS } from "./permissions.ts";
import { defineVerb } from "./verb.ts";

export const compileChildVerb = defineVerb({
  name: "compile-child",
  summary: "compile the module on standard input",
  isHidden: true,
  needs: ADD_ON_NEEDS,
  options: {},
  async run() {
    const { compileChild } = await import("../runtime/mod.ts");
    await compileChild();
    return EXIT.ok;
  },
});
