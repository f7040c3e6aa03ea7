/** `faaslet doctor`: tries what a host needs, and says what to do about what is missing. */
import { CHECKS, type Finding } from "./doctor_checks.ts";
import { EXIT } from "./exit_code.ts";
import type { Output } from "./output.ts";
import { during } from "./progress.ts";
import { text } from "./option_kinds.ts";
import { PERMISSIONS } from "./permissions.ts";
import { defineVerb } from "./verb.ts";

const COLOR = { ok: "green", warn: "yellow", fail: "red" } as const;

export const doctor = defineVerb({
  name: "doctor",
  summary: "try what a host needs, each part for real, and say what to do about what is missing",
  needs: PERMISSIONS,
  options: { data: text("--data <directory>", "the data directory to look at (XDG_DATA_HOME/faaslet)") },
  async run({ options, globals, output }) {
    const findings: ({ name: string } & Finding)[] = [];
    for (const [name, check] of CHECKS) {
      const finding = await during(output, name, tryCheck(() => check({ globals, dataDirectory: options.data })));
      findings.push({ name, ...finding });
      if (output.format === "table") print(output, name, finding);
    }
    if (output.format === "json") output.json(findings);
    if (output.format === "name") {
      for (const { name, state } of findings) if (state !== "ok") output.line(name);
    }
    return findings.some(({ state }) => state === "fail") ? EXIT.failure : EXIT.ok;
  },
});

/** A check that throws has failed, whatever it threw. */
async function tryCheck(check: () => Promise<Finding>): Promise<Finding> {
  try {
    return await check();
  } catch (thrown) {
    const found = thrown instanceof Error ? thrown.message : String(thrown);
    return { state: "fail", found };
  }
}

function print(output: Output, name: string, { state, found, cure }: Finding): void {
  const text = `  ${name}: ${found}${cure === undefined ? "" : `; ${cure}`}`;
  output.labelled(COLOR[state], state.padEnd(4), text);
}
