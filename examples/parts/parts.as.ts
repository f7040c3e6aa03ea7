// The sum of the squares of 1 to n, in parts: each part is a call of this same function, at an index of its own.
import { awaitCallOutput, callIndex, chainIndex, readCallInput, setHeader, writeCallOutput, writeCallText } from "faaslet";

export { malloc } from "faaslet";

const PARTS: u64 = 8;

export function handle(): i32 {
  const input = readCallInput();
  return callIndex() > 0 ? part(input) : whole(input);
}

function part(input: ArrayBuffer): i32 {
  const from = load<u64>(changetype<usize>(input));
  const to = load<u64>(changetype<usize>(input), 8);
  let sum: u64 = 0;
  for (let at = from; at < to; at++) sum += at * at;
  const output = new ArrayBuffer(8);
  store<u64>(changetype<usize>(output), sum);
  writeCallOutput(output);
  return 0;
}

function whole(input: ArrayBuffer): i32 {
  const n = <u64>Number.parseInt(String.UTF8.decode(input).trim());
  const calls: u32[] = [];
  for (let at: u64 = 0; at < PARTS; at++) {
    const range = new ArrayBuffer(16);
    store<u64>(changetype<usize>(range), n * at / PARTS + 1);
    store<u64>(changetype<usize>(range), n * (at + 1) / PARTS + 1, 8);
    calls.push(chainIndex(<i32>at + 1, range));
  }
  let sum: u64 = 0;
  for (let at = 0; at < calls.length; at++) {
    const end = awaitCallOutput(calls[at]);
    if (end.value != 0) return 1;
    sum += load<u64>(changetype<usize>(end.output));
  }
  setHeader("content-type", "text/plain");
  writeCallText(sum.toString() + "\n");
  return 0;
}
