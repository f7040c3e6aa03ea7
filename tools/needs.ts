/** What building the add-on needs of a machine, each with where it comes from. */
import { join } from "node:path";
import { NATIVE } from "./project.ts";

/** What is missing, in words; empty when all is there. */
export async function missingTools(): Promise<string[]> {
  const missing: string[] = [];
  const least = await rustVersionNeeded();
  const rust = `Rust ${least} or newer with cargo: https://rustup.rs installs it, \`rustup update stable\` renews it`;
  const found = /^rustc (\d+)\.(\d+)/.exec(await wordsOf("rustc", "--version") ?? "");
  if (found === null || await wordsOf("cargo", "--version") === undefined) missing.push(rust);
  else if (!isAtLeast([Number(found[1]), Number(found[2])], least)) {
    missing.push(`${rust} (here is ${found[1]}.${found[2]})`);
  }
  const compiler = Deno.env.get("CC") || "cc";
  if (await wordsOf(compiler, "--version") === undefined) {
    missing.push(
      `a C compiler, ${compiler}: on Debian and Ubuntu \`apt-get install gcc libc6-dev\`, on Fedora \`dnf install gcc\``,
    );
  }
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    missing.push(`Linux on x86-64: this is ${Deno.build.os} on ${Deno.build.arch}`);
  }
  return missing;
}

/** True when cargo has this subcommand, e.g. `clippy`. */
export async function hasCargo(subcommand: string): Promise<boolean> {
  return await wordsOf("cargo", subcommand, "--version") !== undefined;
}

/** True for 1.100 against 1.95: versions are no decimal numbers. */
export function isAtLeast([major, minor]: [number, number], least: string): boolean {
  const [leastMajor = 0, leastMinor = 0] = least.split(".").map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

async function rustVersionNeeded(): Promise<string> {
  const manifest = await Deno.readTextFile(join(NATIVE, "Cargo.toml"));
  return /^rust-version = "([\d.]+)"/m.exec(manifest)?.[1] ?? "1.95";
}

async function wordsOf(program: string, ...words: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(program, { args: words, stdin: "null", stderr: "null" })
      .output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}
