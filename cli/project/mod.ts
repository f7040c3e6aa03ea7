/**
 * Projects: a `faaslet.toml` lists functions, and a host is made to have them.
 *
 * Job: read the file, compare it with what the host has, deploy what differs.
 *
 * Not its job: to judge settings, which the host does, or to remove anything. Invariants: unknown keys are refused; the
 * failure of one function hides no other; the host alone says what is equal.
 *
 * @module
 */
export { type Applied, type AppliedFunction, applyFunction, applyProject } from "./apply.ts";
export { type Project, type ProjectFunction, readProject } from "./read.ts";
export { about, asJson, showApplied } from "./show.ts";
