/**
 * The compiler's child: limits itself, reads one module, answers with its artefact or with what is wrong.
 *
 * @module
 */
import process from "node:process";
import { toFaasletError } from "../errors.ts";
import { MODULE_LIMITS } from "../limits.ts";
import { FrameReader, writeFrame } from "./_frames.ts";
import type { CompileAnswer, CompileOrder } from "./compiler.ts";
import { compileModule, limitProcess } from "./native/mod.ts";

const ORDER_BYTES_MAX = 1_024;

/** Serves the one compilation that standard input asks for. */
export async function compileChild(): Promise<void> {
  const reader = new FrameReader(Deno.stdin.readable);
  const order = JSON.parse(new TextDecoder().decode(await reader.read(ORDER_BYTES_MAX))) as CompileOrder;
  limitProcess(order.dataBytes, order.cpuSeconds);
  const wasm = await reader.read(MODULE_LIMITS.bytesMax);
  const { head, artefact } = compile(wasm);
  const writer = Deno.stdout.writable.getWriter();
  await writeFrame(writer, new TextEncoder().encode(JSON.stringify(head)));
  await writeFrame(writer, artefact);
  await writer.close();
}

function compile(wasm: Uint8Array): { head: CompileAnswer; artefact: Uint8Array } {
  try {
    const artefact = compileModule(wasm);
    const { user, system } = process.cpuUsage();
    return { head: { ok: true, cpuMs: (user + system) / 1_000 }, artefact };
  } catch (thrown) {
    const { code, message } = toFaasletError(thrown);
    return { head: { ok: false, code, message }, artefact: new Uint8Array(0) };
  }
}
