/** Directories that are gone when the test is. */

/** A new directory below the machine's temporary one; removed at the end of the block that holds it. */
export class Scratch implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "faaslet-test-" });

  /** Writes a file, with the directories above it; gives its path. */
  write(name: string, content: string | Uint8Array): string {
    const path = `${this.path}/${name}`;
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else Deno.writeFileSync(path, content);
    return path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
