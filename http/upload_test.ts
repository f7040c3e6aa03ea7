import assert from "node:assert/strict";
import { FUNCTION_LIMITS, MODULE_LIMITS } from "../limits.ts";
import { parseUpload, uploadBytesMax } from "./upload.ts";

const WASM = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

type Entry = [name: string, value: string | File];

async function uploadOf(...entries: Entry[]) {
  const form = new FormData();
  for (const [name, value] of entries) form.append(name, value);
  const response = new Response(form);
  return parseUpload(response.headers.get("content-type")!, await response.bytes());
}

function file(path: string, text = "x"): Entry {
  return ["file", new File([text], path)];
}

const MODULE: Entry = ["module", new File([WASM], "m.wasm")];

Deno.test("uploadBytesMax() knows the types of uploads, whatever their case and parameters", () => {
  assert.equal(uploadBytesMax("application/wasm"), MODULE_LIMITS.bytesMax);
  assert.equal(uploadBytesMax("Application/Octet-Stream; x=y"), MODULE_LIMITS.bytesMax);
  const formBytesMax = MODULE_LIMITS.bytesMax + FUNCTION_LIMITS.deployedFileBytesMax;
  assert.ok(uploadBytesMax("multipart/form-data; boundary=b") > formBytesMax);
  for (const type of ["", "text/plain", "application/wasm2", "application/x-www-form-urlencoded"]) {
    assert.throws(() => uploadBytesMax(type), { code: "ERR_MODULE_FORMAT" }, type);
  }
});

Deno.test("parseUpload() takes a body that is no form for the module", () => {
  assert.deepEqual(parseUpload("application/wasm", WASM), { wasm: WASM, settings: {}, files: [] });
});

Deno.test("parseUpload() takes module, settings and files out of a form", async () => {
  const upload = await uploadOf(["settings", '{"cgi":false}'], file("/data/é.txt", "hello"), MODULE, file("/b", ""));
  assert.deepEqual(upload, {
    wasm: WASM,
    settings: { cgi: false },
    files: [{ path: "/data/é.txt", bytes: new TextEncoder().encode("hello") }, {
      path: "/b",
      bytes: new Uint8Array(0),
    }],
  });
  assert.deepEqual(await uploadOf(MODULE), { wasm: WASM, settings: {}, files: [] });
});

Deno.test("parseUpload() names all that is wrong with the parts", async () => {
  const two = uploadOf(MODULE, MODULE, ["setting", "{}"], ["files", "x"]);
  await assert.rejects(two, {
    code: "ERR_REQUEST_INVALID",
    details: ["the part module is there more than once", 'unknown part "setting"', 'unknown part "files"'],
  });
  await assert.rejects(uploadOf(["settings", "{}"]), {
    code: "ERR_REQUEST_INVALID",
    details: ["the part module is missing"],
  });
});

Deno.test("parseUpload() refuses settings that are not JSON", async () => {
  for (const settings of ["", "{", "cgi = false"]) {
    await assert.rejects(uploadOf(MODULE, ["settings", settings]), { code: "ERR_SETTINGS_INVALID" });
  }
});

Deno.test("parseUpload() refuses paths that are not absolute, not normal, or there twice, and lists them", async () => {
  const paths = [
    "a",
    "../a",
    "/../a",
    "/a/..",
    "/./a",
    "/a//b",
    "/a/",
    "/",
    "",
    "/" + "a".repeat(4_096),
    "/a%22b",
    '/a"b',
    "/a\nb",
  ];
  const uploading = uploadOf(MODULE, ...paths.map((path) => file(path)), file("/twice"), file("/twice"), [
    "file",
    "text",
  ]);
  await assert.rejects(uploading, ({ code, details }) => {
    assert.equal(code, "ERR_REQUEST_INVALID");
    assert.equal(details.length, paths.length + 2);
    assert.deepEqual(details.slice(-2), ['"/twice" is there twice', "a file part has no filename"]);
    return true;
  });
  const longest = "/" + "a".repeat(4_095);
  assert.equal((await uploadOf(MODULE, file(longest))).files[0]!.path, longest);
});

Deno.test("parseUpload() lists no more problems than somebody reads", async () => {
  const uploading = uploadOf(MODULE, ...Array.from({ length: 200 }, (_, at) => file(`${at}`)));
  await assert.rejects(uploading, ({ details }) => details.length === 50);
});

Deno.test("parseUpload() takes as many files as the limit and not one more", () => {
  const head = "--b\r\nContent-Disposition: form-data; name=";
  function formOf(files: number): Uint8Array {
    const parts = Array.from({ length: files }, (_, at) => `${head}"file"; filename="/${at}"\r\n\r\nx\r\n`);
    return new TextEncoder().encode(`${head}"module"\r\n\r\nx\r\n${parts.join("")}--b--`);
  }
  const type = "multipart/form-data; boundary=b";
  const max = FUNCTION_LIMITS.filesMax;
  assert.equal(parseUpload(type, formOf(max)).files.length, max);
  for (const files of [max + 1, max + 2]) {
    assert.throws(() => parseUpload(type, formOf(files)), { code: "ERR_REQUEST_TOO_LARGE" });
  }
});

Deno.test("parseUpload() reads no settings that are larger than settings can be", async () => {
  const settings = (bytes: number) => JSON.stringify({ environment: { A: "x".repeat(bytes) } });
  await uploadOf(MODULE, ["settings", settings(1_000_000)]);
  await assert.rejects(uploadOf(MODULE, ["settings", settings(1_100_000)]), { code: "ERR_REQUEST_TOO_LARGE" });
});
