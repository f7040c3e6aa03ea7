/** The head of an HTTP answer, for functions that write their output with `__faasm_write_output`. */
import type { HostFunction } from "./table.ts";

const LIMITS = ["HTTP_LIMITS.answerHeadersMax", "HTTP_LIMITS.answerHeadBytesMax"] as const;

export const ANSWER_FUNCTIONS: readonly HostFunction[] = [
  {
    module: "env",
    name: "__faaslet_set_status",
    params: [{ name: "status", type: "i32" }],
    results: ["i32"],
    effect:
      "Makes it the status of this call's answer over HTTP, unless the call fails. Returns 0; the last one counts.",
    limits: [],
    errors: ["-1 EINVAL: the status is not from 200 to 599"],
    hostile: "Nothing of it outlives the call; a call that fails is answered with the host's status.",
  },
  {
    module: "env",
    name: "__faaslet_set_header",
    params: [{ name: "name", type: "i32" }, { name: "value", type: "i32" }],
    results: ["i32"],
    effect:
      "Makes it a header of this call's answer over HTTP (RFC 9110 5.1, 5.5), unless the call fails. Returns 0. The last value " +
      "of a name counts; each Set-Cookie is one of its own. A Location without a status is a redirect (302).",
    limits: LIMITS,
    errors: [
      "-1 EINVAL: the name is no token, or the value has a control character",
      "-1 EPERM: the header belongs to the connection or says what the body's length is",
      "-1 E2BIG: more headers, or more bytes of them, than an answer may have",
      "trap ERR_GUEST_POINTER: a string does not end in linear memory",
      "trap ERR_GUEST_MISUSE: a string is longer than a head may be, or is not UTF-8",
    ],
    hostile:
      "No line end and no NUL gets into a head. Headers that say what the call cost are the host's, whatever is set.",
  },
];
