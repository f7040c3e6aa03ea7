/** Where the guests' SDK is, as files of this program. */
import { fileURLToPath } from "node:url";

/** A language that the SDK speaks. */
export type SdkLanguage = "c" | "rust" | "go" | "assemblyscript";

/** The SDK's files for a language, by their paths inside it. */
export async function readSdk(language: SdkLanguage): Promise<Map<string, Uint8Array>> {
  const root = fileURLToPath(new URL(`./sdk/${language}/`, import.meta.url));
  const files = new Map<string, Uint8Array>();
  async function add(folder: string): Promise<void> {
    for await (const { name, isDirectory, isFile } of Deno.readDir(root + folder)) {
      if (isDirectory) await add(`${folder}${name}/`);
      else if (isFile) files.set(folder + name, await Deno.readFile(root + folder + name));
    }
  }
  await add("");
  return files;
}
