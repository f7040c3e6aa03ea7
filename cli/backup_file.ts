/**
 * A backup: functions as their forms, one after another in one file. A line of JSON says what follows and how long it is; the
 * last one says how many there were, so that half a backup is not taken for a whole one.
 *
 * @module
 */
import { FaasletError } from "../errors.ts";

const MARK = "faaslet backup 1\n";
const LINE_BYTES_MAX = 64 * 1_024;
const TEXT = new TextEncoder();

/** A function in a backup. */
export interface BackedUp {
  readonly name: string;
  /** Of the form: its boundary is in it. */
  readonly contentType: string;
  readonly form: Uint8Array;
}

/** Writes a backup as its functions come. The file is there only when it is whole. */
export async function writeBackup(path: string, functions: AsyncIterable<BackedUp>): Promise<number> {
  const fresh = `${path}.${Deno.pid}`;
  let count = 0;
  try {
    using file = await Deno.open(fresh, { write: true, createNew: true, mode: 0o600 });
    await writeAll(file, TEXT.encode(MARK));
    for await (const { name, contentType, form } of functions) {
      await writeAll(file, TEXT.encode(`${JSON.stringify({ name, contentType, bytes: form.length })}\n`));
      await writeAll(file, form);
      count++;
    }
    await writeAll(file, TEXT.encode(`${JSON.stringify({ functions: count })}\n`));
    await file.sync();
    await Deno.rename(fresh, path);
  } catch (thrown) {
    await Deno.remove(fresh).catch(() => {});
    throw thrown;
  }
  return count;
}

/** The functions of a backup. Throws `ERR_USAGE` when it is none, or not whole: before the first one is given. */
export function readBackup(bytes: Uint8Array): BackedUp[] {
  const mark = TEXT.encode(MARK);
  if (!mark.every((byte, at) => bytes[at] === byte)) throw damaged("it is no backup of this program");
  const functions: BackedUp[] = [];
  let at = mark.length;
  for (;;) {
    const end = bytes.subarray(at, at + LINE_BYTES_MAX).indexOf(0x0a);
    if (end < 0) throw damaged("it ends too early");
    const line = lineOf(bytes.subarray(at, at + end));
    at += end + 1;
    if (line["functions"] !== undefined) {
      if (line["functions"] !== functions.length || at !== bytes.length) throw damaged("it is not whole");
      return functions;
    }
    const { name, contentType, bytes: length } = line;
    const isWhole = typeof name === "string" && typeof contentType === "string" && Number.isSafeInteger(length) &&
      Number(length) >= 0 && at + Number(length) <= bytes.length;
    if (!isWhole) throw damaged("it ends too early");
    functions.push({ name, contentType, form: bytes.subarray(at, at + Number(length)) });
    at += Number(length);
  }
}

function lineOf(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch { /* answered below */ }
  throw damaged("it is damaged");
}

function damaged(why: string): FaasletError {
  return new FaasletError("ERR_USAGE", `cannot restore from the file: ${why}`);
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
