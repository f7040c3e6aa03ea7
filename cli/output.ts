/**
 * Where the program writes: data on standard output, everything else on standard error.
 *
 * @module
 */
import type { FaasletError } from "../errors.ts";
import { escapeControls, escapeLine } from "./escape.ts";

/** How data is shown. */
export type OutputFormat = "table" | "json" | "name";
export const OUTPUT_FORMATS = ["table", "json", "name"] as const;

/** One of the two standard streams. */
export interface Sink {
  /** Writes some of the bytes and says how many. */
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}

export interface OutputOptions {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly format: OutputFormat;
  readonly isQuiet: boolean;
  readonly isVerbose: boolean;
  /** False when NO_COLOR is set. */
  readonly mayColor: boolean;
}

const COLORS = { red: 31, green: 32, yellow: 33, bold: 1 } as const;
const UTF8 = new TextEncoder();

/** The program's two streams. */
export class Output {
  readonly #options: OutputOptions;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  get format(): OutputFormat {
    return this.#options.format;
  }

  get isVerbose(): boolean {
    return this.#options.isVerbose;
  }

  /** Whether notes go to a terminal and are wanted. */
  get isInteractive(): boolean {
    return !this.#options.isQuiet && this.#options.stderr.isTerminal();
  }

  /** Data, as it is; made safe when somebody looks at it. */
  bytes(bytes: Uint8Array): void {
    const { stdout } = this.#options;
    write(stdout, stdout.isTerminal() ? UTF8.encode(escapeControls(new TextDecoder().decode(bytes))) : bytes);
  }

  /** Data that comes in pieces; a character may be cut in two between them. */
  stream(): { write(piece: Uint8Array): void; end(): void } {
    const { stdout } = this.#options;
    if (!stdout.isTerminal()) return { write: (piece) => write(stdout, piece), end() {} };
    const text = new TextDecoder();
    return {
      write: (piece) => write(stdout, UTF8.encode(escapeControls(text.decode(piece, { stream: true })))),
      end: () => write(stdout, UTF8.encode(escapeControls(text.decode()))),
    };
  }

  /** A line of data. */
  line(text: string): void {
    this.bytes(UTF8.encode(`${text}\n`));
  }

  /** A line of data behind a coloured label. */
  labelled(color: keyof typeof COLORS, label: string, text: string): void {
    const { mayColor, stdout } = this.#options;
    if (!mayColor || !stdout.isTerminal()) return this.line(label + text);
    write(stdout, UTF8.encode(`\x1b[${COLORS[color]}m${label}\x1b[0m`));
    this.line(text);
  }

  /** The one JSON document. */
  json(value: unknown): void {
    this.line(JSON.stringify(value, null, 2));
  }

  /** Rows with aligned columns; the first one is the heading. */
  table(rows: readonly (readonly string[])[]): void {
    const shown = rows.map((row) => row.map(escapeLine));
    const widths: number[] = [];
    for (const row of shown) row.forEach((cell, at) => widths[at] = Math.max(widths[at] ?? 0, cell.length));
    for (const row of shown) this.line(row.map((cell, at) => cell.padEnd(widths[at]!)).join("  ").trimEnd());
  }

  /** Something worth knowing that is not data. */
  note(text: string): void {
    if (!this.#options.isQuiet) this.#error(`${text}\n`);
  }

  /** What a guest wrote to its standard error, or another's text with more than one line. */
  foreign(text: string): void {
    this.#error(text.endsWith("\n") || text === "" ? text : `${text}\n`);
  }

  /** Replaces the line that the last call wrote; for terminals. */
  status(text: string): void {
    write(this.#options.stderr, UTF8.encode(`\r\x1b[K${escapeLine(text)}`));
  }

  /** Why the program fails. */
  error(error: FaasletError): void {
    const { code, message, details } = error;
    if (this.#options.format === "json") {
      this.#error(`${JSON.stringify({ error: { code, message, details } }, null, 2)}\n`);
      return;
    }
    const more = details.length === 1 && message.includes(details[0]!) ? [] : details;
    const [first = "", ...rest] = message.split("\n");
    const lines = [`${this.paint("red", "error:")} ${this.#safe(first)} (${code})`];
    lines.push(...rest.map((line) => `  ${this.#safe(line)}`));
    lines.push(...more.map((detail) => `  - ${this.#safe(detail)}`));
    if (this.isVerbose && error.cause !== undefined) {
      lines.push(
        `  caused by: ${this.#safe(error.cause instanceof Error ? error.cause.stack ?? "" : String(error.cause))}`,
      );
    }
    write(this.#options.stderr, UTF8.encode(`${lines.join("\n")}\n`));
  }

  /** Colours text for standard error, if it is a terminal that takes colours. */
  paint(color: keyof typeof COLORS, text: string): string {
    const { mayColor, stderr } = this.#options;
    return mayColor && stderr.isTerminal() ? `\x1b[${COLORS[color]}m${text}\x1b[0m` : text;
  }

  #error(text: string): void {
    write(this.#options.stderr, UTF8.encode(this.#safe(text)));
  }

  #safe(text: string): string {
    return this.#options.stderr.isTerminal() ? escapeControls(text) : text;
  }
}

function write(sink: Sink, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += sink.writeSync(bytes.subarray(at));
}
