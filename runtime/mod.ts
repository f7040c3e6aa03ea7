/**
 * The runtime's door.
 *
 * Job: turn an uploaded module into a function (check, compile, store), and run its Faaslets in a worker group.
 *
 * Not its job: when a call runs (scheduler), HTTP, the meaning of a host function (hostif).
 *
 * Invariants: a module that was not inspected is never compiled, machine code that the compiler's child did not make is
 * never loaded, and what crosses a worker group is plain messages.
 *
 * @module
 */
export type {
  CallOutcome,
  CallRequest,
  CallStatus,
  FaasletLimits,
  FunctionImage,
  GroupStats,
  GuestFile,
  HostAnswer,
  HostCall,
  HostOperation,
  InstallReport,
  SnapshotExport,
  StartKind,
  StartPlan,
  WorkerGroup,
} from "./worker_group.ts";
export type {
  DeployRequest,
  DeployResult,
  FunctionBundle,
  FunctionRecord,
  FunctionRegistry,
  LiveFunction,
  ModuleReport,
  RegistryStats,
  SnapshotCounts,
  StoredSnapshot,
  VersionSummary,
} from "./registry.ts";
export { ArtefactCache } from "./artefact_cache.ts";
export { EmbeddedGroup, type EmbeddedGroupOptions } from "./embedded_group.ts";
export { inspectModule, inspectModuleAside, type InspectOptions, layoutModule } from "./native/mod.ts";
export { networkProblem, networkRules } from "./network_rules.ts";
export { compileLibraries } from "./libraries.ts";
export { type MountedDirectory, type NamedModule, runOnce, type RunOptions, type RunResult } from "./run_once.ts";
export { compileChild } from "./compile_child.ts";
export { type Compiled, Compiler, type CompilerOptions } from "./compiler.ts";
export { KvFunctionRegistry, type RegistryOptions } from "./function_registry.ts";
export { FUNCTION_SETTINGS_SCHEMA, type FunctionSettings, parseSettings } from "./function_settings.ts";
export { engineHash } from "./native/mod.ts";
