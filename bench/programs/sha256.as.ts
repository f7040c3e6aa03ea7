// SHA-256 (FIPS 180-4) over 32 MiB: integer arithmetic in registers. Answers with the digest in hexadecimal.

@external("env", "__faasm_write_output")
declare function writeOutput(bytes: usize, length: i32): void;

const ROUNDS: i32 = 64;
const BLOCK: i32 = 64;
const BYTES: i32 = 32 << 20;

const constants = new StaticArray<u32>(ROUNDS);
const schedule = new StaticArray<u32>(ROUNDS);
const state = new StaticArray<u32>(8);

/** The first 32 bits of a fraction. */
function fraction(value: f64): u32 {
  return u32((value - Math.floor(value)) * 4294967296.0);
}

function isPrime(number: i32): bool {
  for (let divisor = 2; divisor * divisor <= number; divisor++) {
    if (number % divisor == 0) return false;
  }
  return true;
}

/** Square roots of the first 8 primes begin the state, cube roots of the first 64 are the constants. */
function prepare(): void {
  for (let found = 0, number = 2; found < ROUNDS; number++) {
    if (!isPrime(number)) continue;
    if (found < 8) state[found] = fraction(Math.sqrt(f64(number)));
    constants[found++] = fraction(Math.cbrt(f64(number)));
  }
}

function compress(block: usize): void {
  for (let round = 0; round < 16; round++) schedule[round] = bswap<u32>(load<u32>(block + usize(round) * 4));
  for (let round = 16; round < ROUNDS; round++) {
    const early = unchecked(schedule[round - 15]);
    const late = unchecked(schedule[round - 2]);
    const s0 = rotr<u32>(early, 7) ^ rotr<u32>(early, 18) ^ (early >> 3);
    const s1 = rotr<u32>(late, 17) ^ rotr<u32>(late, 19) ^ (late >> 10);
    unchecked(schedule[round] = unchecked(schedule[round - 16]) + s0 + unchecked(schedule[round - 7]) + s1);
  }
  let a = state[0], b = state[1], c = state[2], d = state[3];
  let e = state[4], f = state[5], g = state[6], h = state[7];
  for (let round = 0; round < ROUNDS; round++) {
    const s1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
    const first = h + s1 + ((e & f) ^ (~e & g)) + unchecked(constants[round]) + unchecked(schedule[round]);
    const s0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
    const second = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

export function handle(): i32 {
  prepare();
  const block = heap.alloc(BLOCK);
  for (let at = 0; at < BLOCK; at++) store<u8>(block + usize(at), u8(at));
  for (let done = 0; done < BYTES; done += BLOCK) compress(block);
  // The padding: a one bit, zeros, the length in bits.
  memory.fill(block, 0, BLOCK);
  store<u8>(block, 0x80);
  store<u64>(block + 56, bswap<u64>(u64(BYTES) * 8));
  compress(block);
  let digest = "";
  for (let word = 0; word < 8; word++) digest += state[word].toString(16).padStart(8, "0");
  const output = String.UTF8.encode(digest);
  writeOutput(changetype<usize>(output), output.byteLength);
  return 0;
}
