/** `faaslet invoke`. */
import { FaasletError } from "../errors.ts";
import { getResult, submit, waitForEnd } from "./call_requests.ts";
import { CallFailure, Client } from "./client.ts";
import { EXIT } from "./exit_code.ts";
import { duration, isGiven, text } from "./option_kinds.ts";
import type { Output } from "./output.ts";
import { readFile } from "./read_file.ts";
import { defineVerb } from "./verb.ts";

export const invoke = defineVerb({
  name: "invoke",
  summary: "call a function and wait for its answer",
  words: [{ word: "<name>", summary: "the function" }],
  options: {
    data: text(
      "-d, --data <data>",
      "the input; @FILE reads a file, without it standard input is read unless it is a terminal",
    ),
    headers: isGiven("-i, --headers", "print the answer's headers too, on standard error"),
    timeout: duration("--timeout <duration>", "how long to wait for the answer"),
    async: isGiven("-a, --async", "do not wait: print the call's id, for `faaslet calls`"),
    wait: duration("--wait <duration>", "with --async: wait for the end so long, and print the answer"),
    key: text("--idempotency-key <key>", "with --async: the same key again is the same call"),
  },
  async run({ arguments: [name], options, globals, output }) {
    const client = new Client(globals.gateway);
    if (options.async !== true && (options.wait ?? options.key) !== undefined) {
      throw new FaasletError("ERR_USAGE", "cannot use --wait or --idempotency-key without --async");
    }
    const input = await readInput(options.data);
    if (options.async === true) return await invokeLater(client, output, name!, input, options);
    await printAnswer(client, output, name!, input, {
      timeoutMs: options.timeout,
      showsHeaders: options.headers === true,
    });
    return EXIT.ok;
  },
});

async function invokeLater(
  client: Client,
  output: Output,
  name: string,
  input: Uint8Array,
  options: { readonly wait?: number | undefined; readonly key?: string | undefined },
): Promise<number> {
  const { callId, isReplay } = await submit(client, name, input, options.key);
  if (isReplay) output.note(`note: the key was used before; this is that call`);
  if (options.wait === undefined) {
    if (output.format === "json") output.json({ callId, isReplay });
    else output.line(callId);
    return EXIT.ok;
  }
  const call = await waitForEnd(client, callId, options.wait);
  if (call.endedAt === undefined) {
    throw new FaasletError("ERR_CALL_TIMEOUT", `cannot wait any longer: the call ${callId} is ${call.status}`);
  }
  output.bytes(await getResult(client, callId));
  return EXIT.ok;
}

interface AnswerOptions {
  readonly timeoutMs?: number | undefined;
  readonly showsHeaders: boolean;
}

/** Calls and prints; what the function wrote to its standard error before it failed goes to ours. */
export async function printAnswer(
  client: Client,
  output: Output,
  name: string,
  input: Uint8Array,
  options: AnswerOptions,
): Promise<void> {
  try {
    const { headers, body } = await client.invoke(name, input, options);
    if (options.showsHeaders) { for (const [header, value] of headers) output.foreign(`${header}: ${value}`); }
    const print = output.stream();
    for await (const piece of body) print.write(piece);
    print.end();
  } catch (thrown) {
    if (thrown instanceof CallFailure && thrown.stderr !== "") output.foreign(thrown.stderr);
    throw thrown;
  }
}

/** The bytes that `-d` names, or standard input's. */
export async function readInput(data: string | undefined): Promise<Uint8Array> {
  if (data === undefined) {
    return Deno.stdin.isTerminal() ? new Uint8Array(0) : await new Response(Deno.stdin.readable).bytes();
  }
  return data.startsWith("@") ? await readFile(data.slice(1)) : new TextEncoder().encode(data);
}
