/** An authority of a test's own, and certificates that it signs. They are made by `openssl` and live for a day. */
import { Scratch } from "./scratch.ts";

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export class Authority implements Disposable {
  readonly #scratch = new Scratch();
  /** The authority's own certificate, as PEM, and a file that holds it. */
  readonly path = `${this.#scratch.path}/ca.pem`;

  constructor() {
    this.#run(
      "req",
      "-x509",
      ...KEY,
      "-keyout",
      "ca.key",
      "-out",
      "ca.pem",
      "-days",
      "1",
      "-subj",
      "/CN=test authority",
    );
  }

  get pem(): Uint8Array {
    return Deno.readFileSync(this.path);
  }

  /** A certificate for names such as `DNS:localhost` and `IP:127.0.0.1`. */
  sign(...names: string[]): Certificate {
    Deno.writeTextFileSync(`${this.#scratch.path}/names`, `subjectAltName=${names.join(",")}\n`);
    this.#run("req", "-new", ...KEY, "-keyout", "one.key", "-out", "one.csr", "-subj", "/CN=test");
    const signed = ["-in", "one.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "one.pem"];
    this.#run("x509", "-req", ...signed, "-days", "1", "-extfile", "names");
    const read = (name: string) => Deno.readTextFileSync(`${this.#scratch.path}/${name}`);
    return { cert: read("one.pem"), key: read("one.key") };
  }

  [Symbol.dispose](): void {
    this.#scratch[Symbol.dispose]();
  }

  #run(...args: string[]): void {
    const command = new Deno.Command("openssl", { args, cwd: this.#scratch.path, stdout: "null", stderr: "piped" });
    const { success, stderr } = command.outputSync();
    if (!success) throw new Error(`openssl ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** Why there can be no authority here, for tests that need one. */
export const NO_OPENSSL: string | undefined = hasOpenssl() ? undefined : "openssl is not installed";

function hasOpenssl(): boolean {
  try {
    return new Deno.Command("openssl", { args: ["version"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
