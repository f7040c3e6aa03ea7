/** Where the project's things are, for its scripts. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root, with a slash at the end. */
export const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** The add-on's crate. */
export const NATIVE = join(ROOT, "runtime", "native");
/** The add-on as it is loaded; `index.js` knows the name too. */
export const ADD_ON = join(NATIVE, "faaslet.linux-x64-gnu.node");

/** The project's rooms; see ARCHITECTURE.md. */
export const ROOMS = ["cli", "hostif", "http", "runtime", "scheduler", "state"] as const;
