/** The subcommands, in the order of the help. */
import { check } from "./check.ts";
import { compileChildVerb } from "./compile_child.ts";
import { deploy } from "./deploy.ts";
import { describe } from "./describe.ts";
import { doctor } from "./doctor.ts";
import { invoke } from "./invoke.ts";
import { list } from "./list.ts";
import { remove } from "./remove.ts";
import { rollback } from "./rollback.ts";
import { run } from "./run.ts";
import { serve } from "./serve.ts";
import { up } from "./up.ts";
import type { Verb } from "./verb.ts";
import { version } from "./version.ts";
import { versions } from "./versions.ts";

export const VERBS: readonly Verb[] = [
  up,
  check,
  run,
  deploy,
  invoke,
  list,
  describe,
  remove,
  versions,
  rollback,
  serve,
  doctor,
  version,
  compileChildVerb,
];
