import assert from "node:assert/strict";
import type { LogRecord } from "@logtape/logtape";
import { FaasletError } from "../errors.ts";
import { formatJson, formatText } from "./log.ts";

// deno-lint-ignore no-control-regex -- None of them may be there.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

Deno.test("formatJson() and formatText() let no text of another's be more than text", () => {
  const evil = "\x1b]0;title\x07\r\n2026-01-01 [INF] all is well\x9b2J\u202e\u2028\x7f\ud800";
  const thrown = new FaasletError("ERR_STORAGE", evil, { cause: new Error(evil) });
  const fields = { evil, deep: { [evil]: [evil, 1n] }, time: "never", level: evil, thrown };
  const record: LogRecord = {
    category: ["faaslet"],
    level: "error",
    timestamp: 0,
    message: ["it said: ", evil, " and ", thrown, ""],
    rawMessage: "it said: {evil} and {thrown}",
    properties: fields,
  };
  const json = formatJson(record);
  for (const line of [json, formatText(record)]) assert.doesNotMatch(line, CONTROL);
  const read = JSON.parse(json);
  assert.deepEqual([read.time, read.level, read.code], ["1970-01-01T00:00:00.000Z", "error", "ERR_STORAGE"]);
  assert.deepEqual([read.evil, read.message, read.thrown.cause.message], [evil, `it said: ${evil} and ${evil}`, evil]);
  assert.deepEqual(read.deep, { [evil]: [evil, "1"] });
  const endless = new Error("round");
  endless.cause = endless;
  const round = { ...record, message: ["", endless, ""], properties: { thrown: endless } };
  assert.match(formatText(round), /round.* code=ERR_BUG$/);
  assert.equal(JSON.parse(formatJson(round)).code, "ERR_BUG");
});
