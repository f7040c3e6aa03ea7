/** Bodies of deploys: a module alone, or a form with module, settings and files. */
import { FaasletError } from "../errors.ts";
import { FUNCTION_LIMITS, MODULE_LIMITS } from "../limits.ts";
import type { DeployRequest, GuestFile } from "../runtime/mod.ts";

/** What a body holds; the settings are not checked yet. */
export type Upload = Pick<DeployRequest, "wasm" | "settings" | "files">;

const MODULE_TYPES = ["application/wasm", "application/octet-stream"];
const FORM_TYPE = "multipart/form-data";
/** Settings, and the heads of the parts. */
const FORM_OVERHEAD_BYTES = 4 * 1_024 * 1_024;
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
export async function parseUpload(contentType: string, body: Uint8Array): Promise<Upload> {
  if (essence(contentType) !== FORM_TYPE) return { wasm: body, settings: {}, files: [] };
  const form = await parseForm(contentType, body);
  checkParts(form);
  const module = form.get("module");
  if (!(module instanceof File)) {
    throw invalid("the part `module` is missing, or has no filename and so is text");
  }
  if (module.size > MODULE_LIMITS.bytesMax) throw tooLarge("module", MODULE_LIMITS.bytesMax);
  return {
    wasm: await module.bytes(),
    settings: await parseSettings(form.get("settings")),
    files: await parseFiles(form),
  };
}

async function parseForm(contentType: string, body: Uint8Array): Promise<FormData> {
  try {
    const headers = { "content-type": contentType };
    return await new Response(body as Uint8Array<ArrayBuffer>, { headers }).formData();
  } catch (cause) {
    throw new FaasletError("ERR_REQUEST_INVALID", "cannot read the form: it is not well-formed", { cause });
  }
}

/** A misspelt part would be a file or a setting that silently is not there. */
function checkParts(form: FormData): void {
  const keys = [...form.keys()];
  const unknown = [...new Set(keys)].filter((key) => key !== "module" && key !== "settings" && key !== "file");
  const details = unknown.slice(0, 20).map((key) => `unknown part ${JSON.stringify(key.slice(0, 80))}`);
  for (const single of ["module", "settings"]) {
    if (form.getAll(single).length > 1) details.push(`the part ${single} is there more than once`);
  }
  if (details.length > 0) {
    throw new FaasletError("ERR_REQUEST_INVALID", `cannot read the form: ${details[0]}`, { details });
  }
}

async function parseSettings(part: FormDataEntryValue | null): Promise<unknown> {
  if (part === null) return {};
  const text = typeof part === "string" ? part : await part.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FaasletError("ERR_SETTINGS_INVALID", "cannot read the settings: they are not JSON", { cause });
  }
}

async function parseFiles(form: FormData): Promise<GuestFile[]> {
  const parts = form.getAll("file");
  if (parts.length > FUNCTION_LIMITS.filesMax) throw tooLarge("number of files", FUNCTION_LIMITS.filesMax);
  const problems: string[] = [];
  const seen = new Set<string>();
  let bytes = 0;
  for (const part of parts) {
    const path = part instanceof File ? part.name : undefined;
    const wrong = path === undefined ? "a file part has no filename" : wrongWithPath(path, seen);
    if (wrong !== undefined) problems.push(wrong);
    else seen.add(path!);
    if (part instanceof File) bytes += part.size;
  }
  if (problems.length > 0) {
    const details = problems.slice(0, 50);
    throw new FaasletError("ERR_REQUEST_INVALID", `cannot take the files: ${problems[0]}`, { details });
  }
  if (bytes > FUNCTION_LIMITS.deployedFileBytesMax) throw tooLarge("files", FUNCTION_LIMITS.deployedFileBytesMax);
  const files: GuestFile[] = [];
  for (const part of parts as File[]) files.push({ path: part.name, bytes: await part.bytes() });
  return files;
}

/** These paths are the guest's; still, none of them may be read in two ways. */
function wrongWithPath(path: string, seen: ReadonlySet<string>): string | undefined {
  const shown = JSON.stringify(path.slice(0, 200));
  if (!path.startsWith("/")) return `${shown} does not begin with a slash`;
  if (new TextEncoder().encode(path).length > PATH_BYTES_MAX) return `${shown} is longer than ${PATH_BYTES_MAX} bytes`;
  if (path.includes("\0")) return `${shown} has a NUL`;
  const parts = path.slice(1).split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) return `${shown} has an empty, . or .. part`;
  if (seen.has(path)) return `${shown} is there twice`;
  return undefined;
}

function essence(contentType: string): string {
  return contentType.split(";", 1)[0]!.trim().toLowerCase();
}

function invalid(why: string): FaasletError {
  return new FaasletError("ERR_REQUEST_INVALID", `cannot read the form: ${why}`);
}

function tooLarge(what: string, max: number): FaasletError {
  return new FaasletError("ERR_REQUEST_TOO_LARGE", `cannot take the ${what}: the limit is ${max}`);
}
