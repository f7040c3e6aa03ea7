/** A version of a function as it lies in the store: digests of its bytes, and its record, under one seal. */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { FaasletError } from "../errors.ts";
import type { FunctionRecord } from "./registry.ts";

/** What is stored of a version. */
export interface VersionContent {
  readonly record: FunctionRecord;
  readonly artefact: {
    readonly digest: string;
    /** What it was compiled for; another engine compiles anew. */
    readonly engineHash: string;
    /** Over digest and engine, by whoever had it compiled. */
    readonly seal: string;
  };
}

const DIGEST_BYTES = 32;
/** A record is some kilobytes; a module with 50,000 exports makes megabytes of it. */
const RECORD_BYTES_MAX = 256 * 1024 * 1024;

/** Digests first and as they are: a host that starts needs them, and the rest only when it is asked. */
export function encodeVersion(content: VersionContent): Uint8Array {
  const digests = digestsIn(content);
  const body = deflateRawSync(new TextEncoder().encode(JSON.stringify(content)), { level: 1 });
  const bytes = new Uint8Array(4 + digests.length * DIGEST_BYTES + body.length);
  new DataView(bytes.buffer).setUint32(0, digests.length);
  digests.forEach((digest, at) => bytes.set(Uint8Array.fromHex(digest), 4 + at * DIGEST_BYTES));
  bytes.set(body, 4 + digests.length * DIGEST_BYTES);
  return bytes;
}

/** The digests of the blobs that a version names. Its seal was checked. */
export function decodeDigests(bytes: Uint8Array): string[] {
  const count = countOf(bytes);
  return Array.from(
    { length: count },
    (_, at) => bytes.subarray(4 + at * DIGEST_BYTES, 4 + (at + 1) * DIGEST_BYTES).toHex(),
  );
}

/** All of it. Its seal was checked. */
export function decodeVersion(bytes: Uint8Array): VersionContent {
  const body = bytes.subarray(4 + countOf(bytes) * DIGEST_BYTES);
  return JSON.parse(new TextDecoder().decode(inflateRawSync(body, { maxOutputLength: RECORD_BYTES_MAX })));
}

/** The blobs that a version names, each once. */
export function digestsIn({ record, artefact }: VersionContent): string[] {
  const files = record.files.map(({ digest }) => digest);
  return [...new Set([record.report.digest, artefact.digest, ...files])].filter((digest) => digest !== "");
}

function countOf(bytes: Uint8Array): number {
  const count = bytes.length < 4 ? Infinity : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (4 + count * DIGEST_BYTES <= bytes.length) return count;
  throw new FaasletError("ERR_ARTEFACT", "a stored version is not what was stored");
}
