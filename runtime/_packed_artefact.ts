/**
 * The machine code of a function as one piece: that of its program and of the libraries that it may open, so that all of it
 * is stored, sealed and replaced together. Without libraries it is the program's as it is.
 */
import { FaasletError } from "../errors.ts";
import { digestOf } from "../state/mod.ts";
import type { GuestFile, LibraryImage } from "./worker_group.ts";

/** No artefact of a program begins so. */
const MAGIC = new TextEncoder().encode("faaslet+");

interface Head {
  readonly program: number;
  readonly libraries: readonly { readonly path: string; readonly digest: string; readonly bytes: number }[];
}

/** A library's machine code, with the digest of the file that it was compiled from. */
export interface PackedLibrary extends LibraryImage {
  readonly digest: string;
}

export interface Unpacked {
  readonly program: Uint8Array;
  readonly libraries: readonly PackedLibrary[];
}

/** Puts the parts together; `files` hold those that the libraries were compiled from. */
export async function pack(
  program: Uint8Array,
  libraries: readonly LibraryImage[],
  files: readonly GuestFile[],
): Promise<Uint8Array> {
  if (libraries.length === 0) return program;
  const heads: Head["libraries"][number][] = [];
  for (const { path, artefact } of libraries) {
    const file = files.find((one) => one.path === path)?.bytes ?? new Uint8Array(0);
    heads.push({ path, digest: await digestOf(file), bytes: artefact.length });
  }
  const head = new TextEncoder().encode(JSON.stringify({ program: program.length, libraries: heads } satisfies Head));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, head.length, true);
  return joined([MAGIC, length, head, program, ...libraries.map(({ artefact }) => artefact)]);
}

/** Takes the parts out; their bytes are views. Throws `ERR_ARTEFACT` for bytes that `pack` did not make. */
export function unpack(packed: Uint8Array): Unpacked {
  if (!MAGIC.every((byte, at) => packed[at] === byte)) return { program: packed, libraries: [] };
  let at = MAGIC.length + 4;
  const take = (bytes: number): Uint8Array => {
    if (!(bytes >= 0 && at + bytes <= packed.length)) {
      throw new FaasletError("ERR_ARTEFACT", "a packed artefact ends early");
    }
    return packed.subarray(at, at += bytes);
  };
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const head: Head = JSON.parse(new TextDecoder().decode(take(view.getUint32(MAGIC.length, true))));
  const program = take(head.program);
  const libraries = head.libraries.map(({ path, digest, bytes }) => ({ path, digest, artefact: take(bytes) }));
  return { program, libraries };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
