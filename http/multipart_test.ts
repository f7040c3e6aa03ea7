import assert from "node:assert/strict";
import fc from "fast-check";
import { parseMultipart } from "./multipart.ts";

const TYPE = "multipart/form-data; boundary=b";

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function parse(text: string, contentType = TYPE) {
  const parts = parseMultipart(contentType, encode(text), 10);
  return parts.map(({ name, filename, bytes }) => [name, filename, new TextDecoder().decode(bytes)]);
}

Deno.test("parseMultipart() reads what the platform writes, whatever the bytes are", async () => {
  // Pieces of delimiters are the bytes that could be taken for one.
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.constantFrom("\r\n", "--", "\r\n--", "-", "\r").map(encode),
  );
  const part = fc.record({
    name: fc.stringMatching(/^[a-z]{1,8}$/),
    filename: fc.stringMatching(/^[^"\\\r\n\0]{0,20}$/u).filter((text) => text.isWellFormed()),
    pieces: fc.array(piece, { maxLength: 8 }),
  });
  const property = fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (parts) => {
    const form = new FormData();
    for (const { name, filename, pieces } of parts) {
      form.append(name, new File(pieces as Uint8Array<ArrayBuffer>[], filename));
    }
    const response = new Response(form);
    const contentType = response.headers.get("content-type")!;
    const read = parseMultipart(contentType, await response.bytes(), 5);
    assert.deepEqual(
      read.map(({ name, filename, bytes }) => [name, filename, [...bytes]]),
      parts.map(({ name, filename, pieces }) => [name, filename, pieces.flatMap((bytes) => [...bytes])]),
    );
  });
  await fc.assert(property, { seed: 20_200_715, numRuns: 300 });
});

Deno.test("parseMultipart() reads heads of any case, with more lines, and ignores what follows the end", () => {
  const text =
    '--b\r\nX-Y: z\r\nCONTENT-DISPOSITION: form-data; name="a"; filename="/x"\r\nContent-Type: a/b\r\n\r\n1\r\n' +
    '--b\r\nContent-Disposition: form-data; name="c"\r\n\r\n\r\n--b--\r\nepilogue';
  assert.deepEqual(parse(text), [["a", "/x", "1"], ["c", undefined, ""]]);
  assert.deepEqual(parse(text, 'Multipart/Form-Data; charset=utf-8; BOUNDARY="b"'), parse(text));
  assert.deepEqual(parse("--b--"), []);
});

Deno.test("parseMultipart() refuses what could be read in two ways", () => {
  const head = 'Content-Disposition: form-data; name="a"';
  const refused = [
    "",
    "--",
    "--b",
    "--b\r\n",
    "--bx\r\n",
    "preamble\r\n--b--",
    `--b\r\n${head}\r\n\r\nx`,
    `--b\r\n${head}\r\n\r\nx\r\n--b`,
    `--b\r\n${head}\r\n\r\nx\r\n--bx`,
    `--b\r\n${head}\r\nx\r\n--b--`,
    "--b\r\n\r\n\r\nx\r\n--b--",
    "--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--",
    '--b\r\nContent-Disposition: attachment; name="a"\r\n\r\nx\r\n--b--',
    '--b\r\nContent-Disposition: form-data; filename="a"\r\n\r\nx\r\n--b--',
    `--b\r\n${head}; filename="a\\"b"\r\n\r\nx\r\n--b--`,
    `--b\r\n${head}; filename*=UTF-8''a\r\n\r\nx\r\n--b--`,
    `--b\r\n${head}; filename="a"; filename="b"\r\n\r\nx\r\n--b--`,
    `--b\r\n${"X: y\r\n".repeat(3_000)}${head}\r\n\r\nx\r\n--b--`,
  ];
  for (const text of refused) assert.throws(() => parse(text), { code: "ERR_REQUEST_INVALID" }, JSON.stringify(text));
  const types = [
    "multipart/form-data",
    "multipart/form-data; boundary=",
    `multipart/form-data; boundary=${"b".repeat(71)}`,
  ];
  for (const type of types) assert.throws(() => parse("--b--", type), { code: "ERR_REQUEST_INVALID" }, type);
  const notText = new Uint8Array([
    ...encode('--b\r\nContent-Disposition: form-data; name="'),
    0xff,
    ...encode('"\r\n\r\n\r\n--b--'),
  ]);
  assert.throws(() => parseMultipart(TYPE, notText, 10), { code: "ERR_REQUEST_INVALID" });
});

Deno.test("parseMultipart() stops at the number of parts that may be there", () => {
  const part = '\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b';
  assert.equal(parse(`--b${part.repeat(10)}--`).length, 10);
  assert.throws(() => parse(`--b${part.repeat(11)}--`), { code: "ERR_REQUEST_TOO_LARGE" });
});
