/** `deno task ok`: the checks of `checks.ts` alone, for before a commit. Ends at the first one that fails. */
import { cargoTarget } from "./cargo.ts";
import { CHECKS } from "./checks.ts";

for (const { name, words, directory } of CHECKS) {
  const { success } = await new Deno.Command(words[0]!, {
    args: words.slice(1),
    cwd: directory,
    env: { CARGO_TARGET_DIR: cargoTarget() },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  console.log(`${success ? "ok" : "FAILED"}: ${name}`);
  if (!success) Deno.exit(1);
}
