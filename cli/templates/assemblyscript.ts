/** The first function in AssemblyScript. */
export const ASSEMBLYSCRIPT = {
  extension: ".as.ts",
  builtWith: "AssemblyScript's compiler is a package, which the compiled program comes without: build it from a clone.",
  source: `// Answers with a greeting for whoever the input names.
import { readCallText, writeCallText } from "faaslet";

// The host takes memory from the program by it.
export { malloc } from "faaslet";

export function handle(): i32 {
  const name = readCallText().trim();
  writeCallText("hello " + (name.length > 0 ? name : "world") + "\\n");
  return 0;
}
`,
} as const;
