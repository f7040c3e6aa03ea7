/** Answers a guest whose TLS wants to know whom to believe: this machine's roots, and what its operator adds. */
import { FaasletError } from "../errors.ts";

/** Where distributions keep the roots that the machine trusts, as one file. */
const BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
] as const;

/** Certificates as PEM. */
export interface RootsAnswer {
  readonly value: number;
  readonly bytes: Uint8Array;
}

/** The system's roots and those of a file. Each worker group asks once. */
export class RootCalls {
  readonly #added: Uint8Array;

  private constructor(added: Uint8Array) {
    this.#added = added;
  }

  /** Reads the operator's file now, so that a mistake is said at once. `ERR_USAGE`. */
  static async open(addedPath: string | undefined): Promise<RootCalls> {
    if (addedPath === undefined) return new RootCalls(new Uint8Array(0));
    const added = await Deno.readFile(addedPath).catch((cause) => {
      throw new FaasletError("ERR_USAGE", `cannot read the certificates ${addedPath}: ${cause.message}`, { cause });
    });
    if (!new TextDecoder().decode(added).includes("-----BEGIN CERTIFICATE-----")) {
      throw new FaasletError("ERR_USAGE", `cannot use ${addedPath}: it holds no certificate as PEM`);
    }
    return new RootCalls(added);
  }

  /** Never rejects: without a bundle of the system's only added roots are believed. */
  async answer(): Promise<RootsAnswer> {
    const system = await findSystemRoots();
    return { value: 0, bytes: system === undefined ? this.#added : joined(system.bytes, this.#added) };
  }
}

/** The roots that the machine trusts, and where they are; undefined when they are at no place that is known. */
export async function findSystemRoots(): Promise<{ path: string; bytes: Uint8Array } | undefined> {
  for (const path of BUNDLES) {
    const bytes = await Deno.readFile(path).catch(() => undefined);
    if (bytes !== undefined) return { path, bytes };
  }
  return undefined;
}

/** One after the other; neither has to end its last line. */
function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + 1 + second.length);
  both.set(first);
  both[first.length] = 0x0a;
  both.set(second, first.length + 1);
  return both;
}
