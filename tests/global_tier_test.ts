/** The global tier on both of its stores: a file of this machine, and a KV server. */
import { DENOKV_MISSING } from "./support/denokv.ts";
import { globalLocksConformance } from "./support/global_locks_conformance.ts";
import { globalTierConformance } from "./support/global_tier_conformance.ts";
import { FileStore, ServerStore } from "./support/stores.ts";

globalTierConformance("file", () => Promise.resolve(new FileStore()));
globalTierConformance("server", () => ServerStore.start(), DENOKV_MISSING);
globalLocksConformance("file", () => Promise.resolve(new FileStore()));
globalLocksConformance("server", () => ServerStore.start(), DENOKV_MISSING);
