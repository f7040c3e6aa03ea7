/** The host interface in AssemblyScript. */
import {
  importAwaitCall,
  importAwaitCallOutput,
  importChainName,
  importChainThis,
  importGetIdx,
  importReadInput,
  importSetHeader,
  importSetStatus,
  importWriteOutput,
} from "./imports";

/** The call's input. */
export function readCallInput(): ArrayBuffer {
  const length = importReadInput(0, 0);
  const bytes = new ArrayBuffer(<i32>length);
  if (length > 0) importReadInput(<u32>changetype<usize>(bytes), length);
  return bytes;
}

/** The call's input as text in UTF-8. */
export function readCallText(): string {
  return String.UTF8.decode(readCallInput());
}

/** Makes these bytes the call's output; the last one wins. */
export function writeCallOutput(bytes: ArrayBuffer): void {
  importWriteOutput(<u32>changetype<usize>(bytes), <u32>bytes.byteLength);
}

/** Makes this text the call's output, in UTF-8. */
export function writeCallText(text: string): void {
  writeCallOutput(String.UTF8.encode(text));
}

/** Makes it the status of this call's answer over HTTP; false when it is none (200 to 599). */
export function setStatus(status: i32): bool {
  return importSetStatus(<u32>status) == 0;
}

/** Makes it a header of this call's answer over HTTP; false when it cannot be one. The last value of a name counts. */
export function setHeader(name: string, value: string): bool {
  const nameText = String.UTF8.encode(name, true);
  const valueText = String.UTF8.encode(value, true);
  return importSetHeader(<u32>changetype<usize>(nameText), <u32>changetype<usize>(valueText)) == 0;
}

/** Starts a call of the function of that name; the result names it for `awaitCall`. */
export function chainCall(name: string, input: ArrayBuffer): u32 {
  const text = String.UTF8.encode(name, true);
  return importChainName(<u32>changetype<usize>(text), <u32>changetype<usize>(input), <u32>input.byteLength);
}

/** Starts a call of this same function, in which `callIndex` returns `index`. */
export function chainIndex(index: i32, input: ArrayBuffer): u32 {
  return importChainThis(<u32>index, <u32>changetype<usize>(input), <u32>input.byteLength);
}

/** What `chainIndex` was given for this call; 0 for every other one. */
export function callIndex(): i32 {
  return <i32>importGetIdx();
}

/** Waits for a call; what it returned, or 1 when it failed. The handle is of no use after it. */
export function awaitCall(call: u32): i32 {
  return <i32>importAwaitCall(call);
}

/** The end of a call, with its output. */
export class CallEnd {
  constructor(readonly value: i32, readonly output: ArrayBuffer) {}
}

/** As `awaitCall`, with the output. */
export function awaitCallOutput(call: u32): CallEnd {
  const place = new StaticArray<u32>(2);
  const at = changetype<usize>(place);
  const value = <i32>importAwaitCallOutput(call, <u32>at, <u32>(at + 4));
  const from = unchecked(place[0]);
  const length = unchecked(place[1]);
  const output = new ArrayBuffer(<i32>length);
  if (length > 0) {
    memory.copy(changetype<usize>(output), <usize>from, <usize>length);
    heap.free(<usize>from);
  }
  return new CallEnd(value, output);
}

/** The host's way to get memory from this program. */
export function malloc(size: usize): usize {
  return heap.alloc(size);
}
export { State, StateView } from "./state";
export { HttpAnswer, httpProblem, httpRequest } from "./http";
