/** From a project to a host that has its functions. */
import { FaasletError, toFaasletError } from "../../errors.ts";
import type { FunctionRecord } from "../../runtime/mod.ts";
import type { Client } from "../client.ts";
import { prepareDeploy, sendDeploy } from "../deploy.ts";
import type { Output } from "../output.ts";
import { type Change, differences } from "./difference.ts";
import type { Project, ProjectFunction } from "./read.ts";

/** What became of one function, or would have in a dry run. */
export interface AppliedFunction {
  readonly name: string;
  readonly source: string;
  readonly outcome: "created" | "updated" | "unchanged" | "failed";
  readonly url: string;
  /** The version that is live; undefined for one that failed, and for what a dry run would make. */
  readonly version?: number;
  readonly changes: readonly Change[];
  readonly error?: FaasletError;
}

/** What became of a project. */
export interface Applied {
  readonly project: string;
  readonly isDryRun: boolean;
  readonly functions: readonly AppliedFunction[];
  /** Names of functions that the host has and the file does not list: they are left alone. */
  readonly others: readonly string[];
}

/** Deploys what differs, one function after another; in a dry run it only says what differs. Throws when no host answers. */
export async function applyProject(
  client: Client,
  output: Output,
  project: Project,
  isDryRun: boolean,
): Promise<Applied> {
  const there = (await client.list()).map(({ name }) => name);
  const functions: AppliedFunction[] = [];
  for (const one of project.functions) functions.push(await applyFunction(client, output, one, isDryRun));
  const listed = new Set(project.functions.map(({ name }) => name));
  return { project: project.path, isDryRun, functions, others: there.filter((name) => !listed.has(name)) };
}

/** Never rejects: what goes wrong with one function hides no other. */
export async function applyFunction(
  client: Client,
  output: Output,
  wanted: ProjectFunction,
  isDryRun: boolean,
): Promise<AppliedFunction> {
  const { name, source } = wanted;
  const about = { name, source, url: client.urlOf(name) };
  try {
    const before = await describe(client, name);
    const { outcome, record } = await sendDeploy(client, output, await prepareDeploy(output, wanted, isDryRun));
    const changes = before === undefined ? [] : differences(before, record);
    if (outcome !== "dry-run") return { ...about, outcome, version: record.version, changes };
    if (before === undefined) return { ...about, outcome: "created", changes };
    if (changes.length > 0) return { ...about, outcome: "updated", changes };
    return { ...about, outcome: "unchanged", version: before.version, changes };
  } catch (thrown) {
    return { ...about, outcome: "failed", changes: [], error: toFaasletError(thrown) };
  }
}

async function describe(client: Client, name: string): Promise<FunctionRecord | undefined> {
  try {
    return await client.describe(name);
  } catch (thrown) {
    if (thrown instanceof FaasletError && thrown.code === "ERR_NOT_FOUND") return undefined;
    throw thrown;
  }
}
