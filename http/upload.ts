/** Bodies of deploys: a module alone, or a form with module, settings and files. */
import { FaasletError } from "../errors.ts";
import { FUNCTION_LIMITS, MODULE_LIMITS } from "../limits.ts";
import type { DeployRequest, GuestFile } from "../runtime/mod.ts";
import { parseMultipart, type Part } from "./multipart.ts";

/** What a body holds; the settings are not checked yet. The bytes are views into it. */
export type Upload = Pick<DeployRequest, "wasm" | "settings" | "files">;

const MODULE_TYPES = ["application/wasm", "application/octet-stream"];
const FORM_TYPE = "multipart/form-data";
/** Far above what environment and arguments may be; a JSON document costs many times its size while it is read. */
const SETTINGS_BYTES_MAX = 1_024 * 1_024;
/** Settings, and the heads of the parts. */
const FORM_OVERHEAD_BYTES = 4 * 1_024 * 1_024;
const FORM_PARTS_MAX = FUNCTION_LIMITS.filesMax + 2;
const PATH_BYTES_MAX = 4_096;

/** How large a body of this type may be. Throws `ERR_MODULE_FORMAT` for a type that is not taken. */
export function uploadBytesMax(contentType: string): number {
  const type = essence(contentType);
  if (MODULE_TYPES.includes(type)) return MODULE_LIMITS.bytesMax;
  if (type === FORM_TYPE) {
    return MODULE_LIMITS.bytesMax + FUNCTION_LIMITS.deployedFileBytesMax + FORM_OVERHEAD_BYTES;
  }
  const known = [...MODULE_TYPES, FORM_TYPE].join(", ");
  throw new FaasletError("ERR_MODULE_FORMAT", `cannot take the content type ${JSON.stringify(type)}: use ${known}`);
}

/** Takes a body apart. Throws `ERR_REQUEST_INVALID`, `ERR_REQUEST_TOO_LARGE`, `ERR_SETTINGS_INVALID`. */
export function parseUpload(contentType: string, body: Uint8Array): Upload {
  if (essence(contentType) !== FORM_TYPE) return { wasm: body, settings: {}, files: [] };
  const parts = parseMultipart(contentType, body, FORM_PARTS_MAX);
  checkNames(parts);
  const module = parts.find(({ name }) => name === "module");
  if (module === undefined) throw invalid(["the part module is missing"]);
  if (module.bytes.length > MODULE_LIMITS.bytesMax) throw tooLarge("module", MODULE_LIMITS.bytesMax);
  return {
    wasm: module.bytes,
    settings: parseSettings(parts.find(({ name }) => name === "settings")),
    files: parseFiles(parts.filter(({ name }) => name === "file")),
  };
}

/** A misspelt part would be a file or a setting that silently is not there. */
function checkNames(parts: readonly Part[]): void {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const { name } of parts) {
    if (name !== "module" && name !== "settings" && name !== "file") {
      problems.push(`unknown part ${JSON.stringify(name.slice(0, 80))}`);
    } else if (name !== "file" && seen.has(name)) {
      problems.push(`the part ${name} is there more than once`);
    }
    seen.add(name);
  }
  if (problems.length > 0) throw invalid(problems);
}

function parseSettings(part: Part | undefined): unknown {
  if (part === undefined) return {};
  if (part.bytes.length > SETTINGS_BYTES_MAX) throw tooLarge("settings", SETTINGS_BYTES_MAX);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(part.bytes));
  } catch (cause) {
    throw new FaasletError("ERR_SETTINGS_INVALID", "cannot read the settings: they are not JSON", { cause });
  }
}

function parseFiles(parts: readonly Part[]): GuestFile[] {
  const problems: string[] = [];
  const files = new Map<string, GuestFile>();
  let total = 0;
  for (const { filename: path, bytes } of parts) {
    const wrong = path === undefined ? "a file part has no filename" : wrongWithPath(path);
    if (wrong !== undefined) problems.push(wrong);
    else if (files.has(path!)) problems.push(`${shown(path!)} is there twice`);
    else files.set(path!, { path: path!, bytes });
    total += bytes.length;
  }
  if (problems.length > 0) throw invalid(problems);
  if (files.size > FUNCTION_LIMITS.filesMax) throw tooLarge("number of files", FUNCTION_LIMITS.filesMax);
  if (total > FUNCTION_LIMITS.deployedFileBytesMax) throw tooLarge("files", FUNCTION_LIMITS.deployedFileBytesMax);
  return [...files.values()];
}

/** These paths are the guest's; still, none of them may be read in two ways. */
function wrongWithPath(path: string): string | undefined {
  if (!path.startsWith("/")) return `${shown(path)} does not begin with a slash`;
  if (new TextEncoder().encode(path).length > PATH_BYTES_MAX) return `${shown(path)} is over ${PATH_BYTES_MAX} bytes`;
  if (path.includes("\0")) return `${shown(path)} has a NUL`;
  // Browsers and curl write a quote and a line end in this way, and a percent sign as it is.
  if (/%(?:22|0a|0d)/i.test(path)) return `${shown(path)} has a quote or a line end, which forms cannot carry`;
  const parts = path.slice(1).split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    return `${shown(path)} has an empty, . or .. part`;
  }
  return undefined;
}

function shown(path: string): string {
  return JSON.stringify(path.slice(0, 200));
}

function essence(contentType: string): string {
  return contentType.split(";", 1)[0]!.trim().toLowerCase();
}

/** Lists no more problems than somebody reads. */
function invalid(problems: readonly string[]): FaasletError {
  const details = problems.slice(0, 50);
  return new FaasletError("ERR_REQUEST_INVALID", `cannot read the form: ${details[0]}`, { details });
}

function tooLarge(what: string, max: number): FaasletError {
  return new FaasletError("ERR_REQUEST_TOO_LARGE", `cannot take the ${what}: the limit is ${max}`);
}
