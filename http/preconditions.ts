/** Conditions of requests about values (RFC 9110, 13): `If-Match`, `If-None-Match`, `If-Range`. An ETag is a version in quotes. */
import { FaasletError } from "../errors.ts";
import type { StateHead, StateVersion } from "../state/mod.ts";

export function etagOf(version: StateVersion): string {
  return `"${version}"`;
}

/** What a write's headers ask: `ifVersion` as the global tier takes it; nothing when they ask nothing. */
export async function writeCondition(
  headers: Headers,
  head: () => Promise<StateHead | undefined>,
): Promise<{ ifVersion?: StateVersion | null }> {
  const [match, noneMatch] = [headers.get("if-match"), headers.get("if-none-match")];
  if (match !== null && noneMatch !== null) {
    throw new FaasletError("ERR_REQUEST_INVALID", "cannot ask for If-Match and If-None-Match at once");
  }
  if (noneMatch !== null) {
    if (noneMatch.trim() === "*") return { ifVersion: null };
    throw new FaasletError(
      "ERR_REQUEST_INVALID",
      "cannot read If-None-Match of a write: it is *, for a value that is not there",
    );
  }
  if (match === null) return {};
  const versions = strongVersions(match);
  if (match.trim() !== "*" && versions.length === 1) return { ifVersion: versions[0]! };
  const now = await head();
  if (now !== undefined && (match.trim() === "*" || versions.includes(now.version))) return { ifVersion: now.version };
  const is = now === undefined ? "there is no value" : `it is of version ${now.version}`;
  throw new FaasletError("ERR_PRECONDITION", `cannot write the value: ${is}, and If-Match asks for another`);
}

/** What a read's headers make of a value that is there. */
export function readCondition(headers: Headers, { version }: StateHead): "read" | "not-modified" {
  const match = headers.get("if-match");
  if (match !== null && match.trim() !== "*" && !strongVersions(match).includes(version)) {
    throw new FaasletError(
      "ERR_PRECONDITION",
      `cannot read the value: it is of version ${version}, not of the one asked for`,
    );
  }
  const noneMatch = headers.get("if-none-match");
  if (noneMatch === null) return "read";
  const isKnown = noneMatch.split(",").some((tag) => {
    const plain = tag.trim().replace(/^W\//, "");
    return plain === "*" || plain === etagOf(version);
  });
  return isKnown ? "not-modified" : "read";
}

/** Whether a range may be answered: not when it belongs to another version. */
export function mayAnswerRange(headers: Headers, { version }: StateHead): boolean {
  const wanted = headers.get("if-range");
  return wanted === null || wanted.trim() === etagOf(version);
}

/** Weak tags match nothing here: bytes that are written must be known exactly. */
function strongVersions(header: string): string[] {
  return [...header.matchAll(/(?<!W\/)"([^"]*)"/g)].map(([, version]) => version!);
}
