/** The subcommands, in the order of the help. */
import { backup, restore } from "./backup.ts";
import { bench } from "./bench.ts";
import { calls } from "./calls.ts";
import { check } from "./check.ts";
import { compileChildVerb } from "./compile_child.ts";
import { completion } from "./completion.ts";
import { deploy } from "./deploy.ts";
import { describe } from "./describe.ts";
import { dev } from "./dev/mod.ts";
import { doctor } from "./doctor.ts";
import { file } from "./file.ts";
import { invoke } from "./invoke.ts";
import { list } from "./list.ts";
import { logs } from "./logs.ts";
import { newProject } from "./new.ts";
import { remove } from "./remove.ts";
import { rollback } from "./rollback.ts";
import { run } from "./run.ts";
import { serve } from "./serve.ts";
import { service } from "./service/mod.ts";
import { state } from "./state.ts";
import { status } from "./status.ts";
import { top } from "./top.ts";
import { up } from "./up.ts";
import type { Verb } from "./verb.ts";
import { version } from "./version.ts";
import { versions } from "./versions.ts";

export const VERBS: readonly Verb[] = [
  newProject,
  dev,
  up,
  check,
  run,
  deploy,
  invoke,
  calls,
  logs,
  list,
  describe,
  remove,
  versions,
  rollback,
  state,
  file,
  serve,
  status,
  top,
  bench,
  backup,
  restore,
  service,
  doctor,
  completion,
  version,
  compileChildVerb,
];
