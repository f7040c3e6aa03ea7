/**
 * Goal: every command of README's tour works as it stands. Method: its shell blocks become one script, run by a shell that
 * stops at the first failure; only the port and the places that belong to whoever runs the tests are others.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Scratch } from "./support/scratch.ts";
import { until } from "./support/until.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const PORT = "8080";

Deno.test("README: the tour's commands work as they stand", async () => {
  using scratch = new Scratch();
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const blocks = [...readme.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block]) => block!);
  assert.ok(blocks.length >= 8);
  const kept = blocks.filter((block) => !block.includes("go build") || hasProgram("go"));
  if (kept.length < blocks.length) console.log("skipped: README's block with Go: Go is not installed");
  const port = freePort();
  const script = kept.join("\n").replaceAll(`:${PORT}`, `:${port}`).replaceAll("/tmp/", `${scratch.path}/`);
  assert.notEqual(port, PORT);
  const data = `${scratch.path}/data`;
  const { success, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-euo", "pipefail", "-c", script],
    cwd: ROOT,
    env: {
      FAASLET_URL: `http://127.0.0.1:${port}`,
      TMPDIR: scratch.path,
      XDG_DATA_HOME: data,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output().finally(() => endHost(`${data}/faaslet/lock`));
  const [said, complaint] = [new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)];
  assert.ok(success, `${said}\n${complaint}`);
  const answers = [
    /^26430 words, 1857 different$/m,
    /^x-start: (proto|warm)/mi,
    /^GET asks for tea$/m,
    /^call 1: 68656c6c6f/m,
    /"code":"ERR_GUEST_TRAP"/,
    /^exit code 6$/m,
    /"status":"ok"/,
    /^faaslet_call_starts_total\{start="proto"\} [1-9]/m,
  ];
  for (const answer of answers) assert.match(said, answer);
});

/** The tour stops its host at its end; one that broke off did not. */
async function endHost(lock: string): Promise<void> {
  const pid = Number(await Deno.readTextFile(lock).catch(() => "0"));
  const isThere = () => Deno.stat(`/proc/${pid}`).then(() => true, () => false);
  if (pid === 0 || !await isThere()) return;
  Deno.kill(pid, "SIGTERM");
  await until(async () => !await isThere(), "the host has ended");
}

function freePort(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return String((listener.addr as Deno.NetAddr).port);
}

function hasProgram(name: string): boolean {
  try {
    return new Deno.Command(name, { args: ["version"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
