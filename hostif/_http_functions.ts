/** HTTP requests: TLS on the host's side, the same rules as for sockets, the answer's body behind a descriptor. */
import type { HostFunction } from "./table.ts";

const NO_ANSWER = "-1 EBADF: the descriptor is no answer's";

export const HTTP_FUNCTIONS: readonly HostFunction[] = [
  {
    module: "env",
    name: "__faaslet_http",
    params: [
      { name: "method", type: "i32" },
      { name: "url", type: "i32" },
      { name: "headers", type: "i32" },
      { name: "body", type: "i32" },
      { name: "length", type: "i32" },
    ],
    results: ["i32"],
    effect:
      "Sends a request to an http or https URL and waits for the head of its answer, whatever its status. Returns a " +
      "descriptor, from which the body is read as it came (fd_read) and which fd_close closes, as the end of the call does. " +
      "method and url are NUL-terminated; headers is 0 or a NUL-terminated text of lines `Name: value`. Redirects are " +
      "followed; authorization and cookies go to another origin never. A user-agent is sent unless one is given. Nothing is decompressed, cached or kept between requests.",
    limits: [
      "FUNCTION_LIMITS.descriptorsMax",
      "HTTP_LIMITS.requestUrlBytesMax",
      "HTTP_LIMITS.requestHeadBytesMax",
      "HTTP_LIMITS.requestBodyBytesMax",
      "HTTP_LIMITS.fetchedHeadBytesMax",
      "HTTP_LIMITS.fetchedBodyBytesMax",
      "HTTP_LIMITS.redirectsMax",
      "HTTP_LIMITS.fetchedHeadMsMax",
      "HTTP_LIMITS.fetchedPauseMsMax",
    ],
    errors: [
      "-1 EACCES: the settings allow none of the addresses, or name neither the name nor all that is public",
      "-1 EINVAL: the method, the URL (credentials in it included) or a header is malformed",
      "-1 EPERM: a header that is the host's to say: Host, Content-Length, Transfer-Encoding, Connection, Expect, Upgrade ...",
      "-1 E2BIG: the body is over the limit",
      "-1 ENOENT: there is no such name; EAGAIN: nobody could tell",
      "-1 ELOOP: too many redirects",
      "-1 EPROTO: the certificate is not to be believed, what came is not HTTP, or a redirect leads nowhere",
      "-1 EMSGSIZE: the answer's head is over the limit; fd_read gives EFBIG where its body is",
      "-1 ETIMEDOUT, ECONNREFUSED, ECONNRESET ...: as for a socket; a body that is cut off is ECONNRESET",
      "-1 EMFILE: the function's limit of descriptors",
      "trap ERR_GUEST_POINTER: a text or the body is not inside linear memory",
      "trap ERR_GUEST_MISUSE: a text is too long or not UTF-8, or an initialiser asks",
    ],
    hostile:
      "Each connection, of a redirect too, is made to an address that the rules allow at that moment, and to no other: what a " +
      "name is looked up as is checked and connected to, never looked up again. The certificate is the URL's name's. One " +
      "request a connection, so that no answer becomes a part of another. Proxies of the environment are not used.",
  },
  {
    module: "env",
    name: "__faaslet_http_status",
    params: [{ name: "fd", type: "i32" }],
    results: ["i32"],
    effect: "The answer's status, e.g. 200.",
    limits: [],
    errors: [NO_ANSWER],
    hostile: "Nothing to gain.",
  },
  {
    module: "env",
    name: "__faaslet_http_header",
    params: [
      { name: "fd", type: "i32" },
      { name: "name", type: "i32" },
      { name: "buffer", type: "i32" },
      { name: "length", type: "i32" },
    ],
    results: ["i32"],
    effect:
      "Copies the value of a header of the answer, at most length bytes of it and no NUL, and returns its size; of a header " +
      "that came more than once all values, a line feed between them.",
    limits: ["HTTP_LIMITS.fetchedHeadBytesMax"],
    errors: [
      NO_ANSWER,
      "-1 ENOENT: there is no such header",
      "trap ERR_GUEST_POINTER: the name or the buffer is not inside linear memory",
      "trap ERR_GUEST_MISUSE: the name is longer than 256 bytes or not UTF-8",
    ],
    hostile: "The buffer is checked before anything is copied; a value cannot hold a line feed of its own.",
  },
  {
    module: "env",
    name: "__faaslet_http_problem",
    params: [{ name: "buffer", type: "i32" }, { name: "length", type: "i32" }],
    results: ["i32"],
    effect:
      "Copies what TLS did not like about the server of the last request that failed with EPROTO, e.g. `invalid peer " +
      "certificate: Expired`, at most length bytes of it and no NUL, and returns its size; 0 when that was not it.",
    limits: [],
    errors: ["trap ERR_GUEST_POINTER: the buffer is not inside linear memory"],
    hostile: "The text is of the library's own words and what the server sent; it is the call's own.",
  },
];
