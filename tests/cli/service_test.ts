/**
 * Goal: a host becomes a service of systemd by one command, again by the same one, and stops being one without losing what it
 * kept. Method: into the tree of another system, and for a user whose `systemctl` is a script that writes down what it was
 * told; the units are read by systemd's own checker where it is installed.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { tryTool } from "../../cli/build/mod.ts";
import { faaslet } from "../support/cli.ts";
import { optionalTest } from "../support/optional.ts";
import { Scratch } from "../support/scratch.ts";

/** Any program that is there, outside of what the service does not see. */
const PROGRAM = "/usr/bin/env";
const UNIT = "etc/systemd/system/faaslet.service";
const LINK = "etc/systemd/system/multi-user.target.wants/faaslet.service";

async function service(line: string, environment: Record<string, string> = {}) {
  return await faaslet(["service", ...line.split(" ")], { environment });
}

Deno.test("service install writes a unit into a tree once, and uninstall takes it away and leaves the data", async () => {
  using place = new Scratch();
  const data = place.write("var/lib/faaslet/store", "kept");
  const at = `--root ${place.path}`;
  const install = `install ${at} --program /usr/bin/faaslet`;
  const first = await service(install);
  assert.deepEqual([first.code, first.stdout], [0, `created ${join(place.path, UNIT)}\n`], first.stderr);
  const unit = Deno.readTextFileSync(join(place.path, UNIT));
  assert.match(unit, /^ExecStart=\/usr\/bin\/faaslet serve --data \/var\/lib\/faaslet$/m);
  assert.match(unit, /^DynamicUser=yes$/m);
  assert.match(unit, /^IPAddressDeny=any$/m);
  assert.doesNotMatch(unit, /deno|\/opt/i);
  assert.equal(Deno.statSync(join(place.path, UNIT)).mode! & 0o777, 0o644);
  assert.equal(Deno.readLinkSync(join(place.path, LINK)), "/etc/systemd/system/faaslet.service");
  assert.equal((await service(install)).stdout, `unchanged ${join(place.path, UNIT)}\n`);
  const changed = await service(`${install} --listen 127.0.0.1:9000 --network --json`);
  assert.equal(JSON.parse(changed.stdout).outcome, "updated");
  const other = Deno.readTextFileSync(join(place.path, UNIT));
  assert.match(other, /^ExecStart=.* --listen 127\.0\.0\.1:9000$/m);
  assert.doesNotMatch(other, /IPAddress/);
  const removed = await service(`uninstall ${at}`);
  assert.deepEqual([removed.code, removed.stdout], [0, `removed ${join(place.path, UNIT)}\n`]);
  assert.match(removed.stderr, /^functions and state are left alone, in \/var\/lib\/faaslet$/m);
  for (const gone of [UNIT, LINK]) assert.throws(() => Deno.lstatSync(join(place.path, gone)), Deno.errors.NotFound);
  assert.equal(Deno.readTextFileSync(data), "kept");
  assert.equal((await service(`uninstall ${at}`)).stdout, `absent ${join(place.path, UNIT)}\n`);
});

Deno.test("service does not touch a unit that somebody else wrote", async () => {
  using place = new Scratch();
  place.write(UNIT, "[Service]\nExecStart=/usr/bin/other\n");
  for (const line of [`install --program ${PROGRAM}`, "uninstall"]) {
    const { code, stderr } = await service(`${line} --root ${place.path}`);
    assert.equal(code, 1);
    assert.match(stderr, /faaslet did not write it \(ERR_CONFLICT\)/);
  }
  assert.match(Deno.readTextFileSync(join(place.path, UNIT)), /other/);
});

Deno.test("service --user tells the user's systemd, and says where the data is", async () => {
  using place = new Scratch();
  const said = `${place.path}/said`;
  place.write("bin/systemctl", `#!/bin/sh\necho "$@" >> ${said}\n`);
  Deno.chmodSync(`${place.path}/bin/systemctl`, 0o755);
  place.write("run/systemd/private", "");
  const environment = {
    PATH: `${place.path}/bin:${Deno.env.get("PATH")}`,
    XDG_RUNTIME_DIR: `${place.path}/run`,
    XDG_CONFIG_HOME: `${place.path}/config`,
    XDG_DATA_HOME: `${place.path}/data`,
  };
  const told = () => {
    const lines = Deno.readTextFileSync(said).trimEnd().split("\n");
    Deno.removeSync(said);
    return lines;
  };
  const first = await service(`install --user --program ${PROGRAM}`, environment);
  assert.equal(first.code, 0, first.stderr);
  const path = `${place.path}/config/systemd/user/faaslet.service`;
  const unit = Deno.readTextFileSync(path);
  assert.match(unit, new RegExp(`^ExecStart=${PROGRAM} serve --data ${place.path}/data/faaslet$`, "m"));
  assert.match(unit, /^WantedBy=default\.target$/m);
  assert.doesNotMatch(unit, /DynamicUser|CapabilityBoundingSet|ProtectSystem|IPAddress/);
  assert.deepEqual(told(), ["--user daemon-reload", "--user enable --now faaslet.service"]);
  assert.match((await service(`install --user --program ${PROGRAM}`, environment)).stdout, /^unchanged /);
  assert.deepEqual(told(), ["--user enable --now faaslet.service"]);
  await service(`install --user --program ${PROGRAM} --listen 127.0.0.1:9000`, environment);
  assert.deepEqual(told().at(-1), "--user restart faaslet.service");
  const removed = await service("uninstall --user", environment);
  assert.match(removed.stderr, new RegExp(`left alone, in ${place.path}/data/faaslet$`, "m"));
  assert.deepEqual(told(), ["--user disable --now faaslet.service", "--user daemon-reload"]);
  assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
  place.write("bin/systemctl", `#!/bin/sh\necho no such thing >&2\nexit 1\n`);
  const failed = await service(`install --user --program ${PROGRAM}`, environment);
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /no such thing/, "what systemd says is passed on");
});

Deno.test("service says what it cannot do, and why", async () => {
  using place = new Scratch();
  const hidden = place.write("faaslet", "");
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ["install --dry-run", 2, /it runs from source, make it with `task compile` and name it with --program/],
    ["install --dry-run --program /nonexistent", 2, /there is no such file/],
    [
      `install --dry-run --program ${hidden}`,
      2,
      /the service does not see it; put it elsewhere first: install -m 755 /,
    ],
    [`install --user --program ${PROGRAM}`, 1, /this user has no manager of systemd's .*`faaslet serve` runs a host/],
    [`install --data /srv --program ${PROGRAM}`, 2, /cannot use --data without --user/],
    [`install --user --root ${place.path} --program ${PROGRAM}`, 2, /cannot use --root with --user/],
    ["uninstall --dry-run", 2, /cannot use --dry-run with uninstall/],
    ["instal", 2, /unknown action 'instal'.*Did you mean install\?/s],
  ];
  for (const [line, expected, said] of cases) {
    const { code, stdout, stderr } = await service(line);
    assert.deepEqual([code, stdout], [expected, ""], line);
    assert.match(stderr, said);
  }
});

const HAS_SYSTEMD = await Deno.stat("/run/systemd/system").then(
  () => "this machine runs systemd, and it is not the tests' to change",
  () => undefined,
);
optionalTest("service install is refused without systemd", HAS_SYSTEMD, async () => {
  const { code, stdout, stderr } = await service(`install --program ${PROGRAM}`);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /this machine was not started by systemd .*--dry-run prints the unit/);
});

const NO_CHECKER = await tryTool("systemd-analyze", ["--version"]) === undefined
  ? "there is no systemd-analyze"
  : undefined;
optionalTest("the units are what systemd understands, whatever the program is called", NO_CHECKER, async () => {
  using place = new Scratch();
  const odd = '/usr/bin/a b%i"$HOME';
  for (const user of [[], ["--user"]]) {
    const { code, stdout, stderr } = await faaslet(["service", "install", ...user, "--dry-run", "--program", PROGRAM], {
      environment: { XDG_DATA_HOME: `${place.path}/a b%i` },
    });
    assert.equal(code, 0, stderr);
    const unit = place.write("units/faaslet.service", stdout);
    const environment = { XDG_RUNTIME_DIR: place.path };
    const checked = await tryTool("systemd-analyze", [...user, "verify", "--man=no", unit], { environment });
    assert.deepEqual([checked?.isOk, checked?.words], [true, ""]);
  }
  const shown = await faaslet(["service", "install", "--root", place.path, "--program", odd]);
  assert.equal(shown.code, 0, shown.stderr);
  const unit = Deno.readTextFileSync(join(place.path, UNIT));
  assert.match(unit, /^ExecStart="\/usr\/bin\/a b%%i\\"\$\$HOME" serve --data \/var\/lib\/faaslet$/m);
});
