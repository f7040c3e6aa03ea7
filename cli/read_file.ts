/** Files that a command line names. */
import { FaasletError } from "../errors.ts";
import { MODULE_LIMITS } from "../limits.ts";

/** The bytes of a file. Throws `ERR_NOT_FOUND`, `ERR_USAGE` when it is not to be read. */
export async function readFile(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new FaasletError("ERR_NOT_FOUND", `cannot read ${path}: there is no such file`, { cause });
    }
    if (cause instanceof Deno.errors.IsADirectory) {
      throw new FaasletError("ERR_USAGE", `cannot read ${path}: it is a directory`, { cause });
    }
    if (cause instanceof Deno.errors.PermissionDenied || cause instanceof Deno.errors.NotCapable) {
      throw new FaasletError("ERR_USAGE", `cannot read ${path}: permission denied`, { cause });
    }
    throw cause;
  }
}

/** The bytes of a module. Throws `ERR_MODULE_LIMIT` before a file that cannot be one is read. */
export async function readModule(path: string): Promise<Uint8Array> {
  const { size } = await Deno.stat(path).catch(() => ({ size: 0 }));
  if (size > MODULE_LIMITS.bytesMax) {
    throw new FaasletError(
      "ERR_MODULE_LIMIT",
      `cannot use ${path}: a module has at most ${MODULE_LIMITS.bytesMax} bytes`,
    );
  }
  return await readFile(path);
}
