/**
 * Goal: programs of the SDK fetch a page from a server on this machine that they were allowed to reach, and from no other. Method:
 * the example `fetch` of each language, built as `faaslet up` builds it, against servers of this process: C over a socket of
 * its own where the URL is http, all of them over TLS with an authority of the test's.
 */
import assert from "node:assert/strict";
import { buildModule } from "../cli/build/mod.ts";
import { EmbeddedGroup, networkRules } from "../runtime/mod.ts";
import { Authority, NO_OPENSSL } from "./support/certificates.ts";
import { imageOf } from "./support/guests.ts";
import { optionalTest } from "./support/optional.ts";
import { RawServer } from "./support/raw_server.ts";
import { missingCompiler } from "./support/sdk.ts";

const FOLDER = new URL("../examples/fetch/", import.meta.url).pathname;
const PAGE = "<p>a page\n".repeat(10_000);
const TEXT = new TextDecoder();

for (const file of ["fetch.c", "fetch.rs", "fetch.go", "fetch.as.ts"]) {
  const missing = NO_OPENSSL ?? await missingCompiler(file);
  optionalTest(`the SDK's example ${file} fetches a page, in the clear and over TLS`, missing, async () => {
    using authority = new Authority();
    const page = ({ send }: { send(text: string): Promise<boolean> }) => send(`HTTP/1.1 200 OK\r\n\r\n${PAGE}`);
    await using clear = new RawServer(page);
    await using secure = new RawServer(page, { certificate: authority.sign("DNS:localhost") });
    await using forbidden = new RawServer(page);
    await using other = new RawServer(page, { certificate: authority.sign("DNS:other.example") });
    const { wasm } = await buildModule(FOLDER + file, () => {});
    const group = new EmbeddedGroup();
    try {
      group.listen(({ callId, ticket }) => group.answer({ callId, ticket, value: 0, bytes: authority.pem }));
      const servers = [clear, secure, other];
      const network = networkRules(servers.map(({ port }) => `localhost:${port}`));
      await group.install(imageOf(1, wasm, { image: { network } }));
      let id = 0;
      const fetchPage = (url: string) => {
        const input = new TextEncoder().encode(url);
        return group.call({ id: ++id, functionId: 1, input, timeoutMs: 20_000 });
      };
      for (const url of [`http://localhost:${clear.port}/some/page`, `https://localhost:${secure.port}/some/page`]) {
        const { status, returnValue, output, stderr, error } = await fetchPage(url);
        assert.deepEqual([status, returnValue], ["ok", 0], `${url}: ${error?.message} ${TEXT.decode(stderr)}`);
        assert.equal(TEXT.decode(output), PAGE, url);
      }
      for (const server of [clear, secure]) assert.match(server.heads[0]!, /^GET \/some\/page HTTP\/1/);
      for (const url of [`http://localhost:${forbidden.port}/`, `https://localhost:${forbidden.port}/`]) {
        const { status, returnValue } = await fetchPage(url);
        assert.equal(status, "guest-error", url);
        assert.notEqual(returnValue, 0);
      }
      assert.equal(forbidden.connections, 0);
      // AssemblyScript's example has no log to say it in.
      const { status, stderr } = await fetchPage(`https://localhost:${other.port}/`);
      assert.equal(status, "guest-error");
      if (file !== "fetch.as.ts") assert.match(TEXT.decode(stderr), /invalid peer certificate: .*localhost/);
    } finally {
      await group.close();
    }
  });
}
