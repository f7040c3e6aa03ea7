/** The guests' SDK where a compiler can read it: this program's own files may be inside its binary. */
import { dirname, join } from "node:path";
import { readSdk, type SdkLanguage } from "../../hostif/mod.ts";

/** Puts the SDK into a folder of its own below `directory`; its path. */
export async function stageSdk(language: SdkLanguage, directory: string): Promise<string> {
  const folder = join(directory, "sdk", language);
  for (const [path, bytes] of await readSdk(language)) {
    const target = join(folder, path);
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.writeFile(target, bytes);
  }
  return folder;
}
