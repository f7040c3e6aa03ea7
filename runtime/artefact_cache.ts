/**
 * Machine code that `faaslet run` made before: a large module takes seconds to compile and a fraction of one to load.
 *
 * Machine code is run as it is. So the directory has to be the user's own, closed to everybody else, and each entry is
 * sealed for its module and its engine: one that was damaged, or made for another, is compiled anew. Nothing here fails a
 * run: what cannot be kept is made again the next time.
 *
 * @module
 */
import { join } from "node:path";
import { CACHE_LIMITS, SEAL_KEY_BYTES } from "../limits.ts";
import { engineHash } from "./native/mod.ts";
import { Seals } from "./_seals.ts";

const KEY_NAME = "seal.key";
const SEAL_BYTES = 32;
const FOREIGN_BITS = 0o077;

export class ArtefactCache {
  readonly #directory: string;
  readonly #seals: Seals;
  readonly #bytesMax: number;

  private constructor(directory: string, key: Uint8Array, bytesMax: number) {
    this.#directory = directory;
    this.#seals = new Seals(key);
    this.#bytesMax = bytesMax;
  }

  /** Makes the directory if it is not there. Undefined when it cannot be had, or when others could write to it. */
  static open(directory: string, bytesMax: number = CACHE_LIMITS.artefactBytesMax): ArtefactCache | undefined {
    try {
      Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
      const { isDirectory, uid, mode } = Deno.lstatSync(directory);
      if (!isDirectory || uid !== Deno.uid() || ((mode ?? FOREIGN_BITS) & FOREIGN_BITS) !== 0) return undefined;
      return new ArtefactCache(directory, keyIn(directory), bytesMax);
    } catch {
      return undefined;
    }
  }

  /** The artefact of the module with this digest, made by this very engine. */
  read(digest: string): Uint8Array | undefined {
    const path = this.#pathOf(digest);
    try {
      const entry = Deno.readFileSync(path);
      const artefact = entry.subarray(SEAL_BYTES);
      if (!this.#seals.fits(placeOf(digest), artefact, entry.subarray(0, SEAL_BYTES))) {
        Deno.removeSync(path);
        return undefined;
      }
      // What was used last goes last.
      Deno.utimeSync(path, new Date(), new Date());
      return artefact;
    } catch {
      return undefined;
    }
  }

  /** Keeps an artefact, and lets the oldest go when there is no room. */
  write(digest: string, artefact: Uint8Array): void {
    if (SEAL_BYTES + artefact.length > this.#bytesMax) return;
    const fresh = join(this.#directory, `.${Deno.pid}-${crypto.randomUUID()}`);
    try {
      const file = Deno.openSync(fresh, { write: true, createNew: true, mode: 0o600 });
      using _ = file;
      writeAll(file, this.#seals.make(placeOf(digest), artefact));
      writeAll(file, artefact);
      Deno.renameSync(fresh, this.#pathOf(digest));
      this.#prune();
    } catch {
      try {
        Deno.removeSync(fresh);
      } catch {
        // It was not made, or it is in its place already.
      }
    }
  }

  #pathOf(digest: string): string {
    return join(this.#directory, `${engineHash()}-${digest}`);
  }

  #prune(): void {
    const entries = [...Deno.readDirSync(this.#directory)].filter(({ name }) => name !== KEY_NAME).map(({ name }) => {
      const path = join(this.#directory, name);
      const { size, mtime } = Deno.lstatSync(path);
      return { path, size, usedMs: mtime?.getTime() ?? 0 };
    });
    let bytes = entries.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of entries.sort((a, b) => a.usedMs - b.usedMs)) {
      if (bytes <= this.#bytesMax) return;
      Deno.removeSync(path);
      bytes -= size;
    }
  }
}

function placeOf(digest: string): string[] {
  return ["artefact", engineHash(), digest];
}

/** Of two programs that make the first key at once the last one wins, and what the other sealed is made again. */
function keyIn(directory: string): Uint8Array {
  const path = join(directory, KEY_NAME);
  try {
    const key = Deno.readFileSync(path);
    if (key.length === SEAL_KEY_BYTES) return key;
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
  const key = crypto.getRandomValues(new Uint8Array(SEAL_KEY_BYTES));
  const fresh = `${path}.${crypto.randomUUID()}`;
  Deno.writeFileSync(fresh, key, { mode: 0o600, createNew: true });
  Deno.renameSync(fresh, path);
  return key;
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}
