// Answers with a greeting for whoever is named in the request's body.

@external("env", "__faasm_read_input")
declare function readInput(buffer: usize, length: i32): i32;

@external("env", "__faasm_write_output")
declare function writeOutput(bytes: usize, length: i32): void;

export function handle(): i32 {
  const input = new ArrayBuffer(readInput(0, 0));
  if (input.byteLength > 0) readInput(changetype<usize>(input), input.byteLength);
  const name = String.UTF8.decode(input).trim();
  const output = String.UTF8.encode(`hello ${name.length > 0 ? name : "world"}\n`);
  writeOutput(changetype<usize>(output), output.byteLength);
  return 0;
}
