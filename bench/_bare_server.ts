/**
 * The least that an HTTP server on this runtime can do and still be compared: it reads the body and answers with it and with
 * as many headers as a call's answer has. Asked by `http.ts`; its first argument is those headers as JSON.
 */
import { answerLines } from "./_child.ts";

const headers: Record<string, string> = JSON.parse(Deno.args[0] ?? "{}");
const names = Object.keys(headers);

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
  const body = await request.bytes();
  const response = new Response(body);
  // One after another, as a call's answer gets them.
  for (const name of names) response.headers.set(name, headers[name]!);
  return response;
});
await answerLines({ url: `http://127.0.0.1:${server.addr.port}` }, (question) => {
  throw new Error(`cannot answer ${question}`);
});
await server.shutdown();
