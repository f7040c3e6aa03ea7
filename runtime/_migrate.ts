/** Old layouts of the store, brought up to date. Every step is whole: a crash between two leaves both kinds, and it goes on. */
import { type Blobs, KEYS, type Kv, migrated, schemaOf, stored } from "../state/mod.ts";
import { headEntry, versionEntry } from "./_entries.ts";
import { DEFAULT_TENANT } from "../names.ts";
import type { FunctionRecord } from "./registry.ts";
import type { Seals } from "./_seals.ts";

/** A function of layout 1: one version, its record in the head, nothing sealed. */
interface FunctionV1 {
  readonly record: FunctionRecord;
  readonly artefact: { readonly digest: string };
}

/** Rewrites what is older than today's layout. Gives the number of functions that were rewritten. */
export async function migrate(kv: Kv, blobs: Blobs, seals: Seals): Promise<number> {
  if (await schemaOf(kv) !== 1) return 0;
  let count = 0;
  for await (const { key, value } of kv.list<Partial<FunctionV1>>({ prefix: KEYS.functions(DEFAULT_TENANT) })) {
    const { record, artefact } = value;
    if (record === undefined || artefact === undefined) continue;
    // Nobody vouches for machine code without a seal: no engine is called "", so it is compiled anew when it is needed.
    const content = { record, artefact: { digest: artefact.digest, engineHash: "", seal: "" } };
    const entry = await versionEntry(content, seals, blobs);
    const { tenant, name, version } = record;
    const commit = kv.atomic()
      .set(KEYS.tenant(tenant), true)
      .set(KEYS.version(tenant, name, version), entry)
      .set(key, headEntry(tenant, name, version, version, seals));
    if (entry.blob !== undefined) commit.delete(KEYS.pending(tenant, entry.blob));
    await stored(() => commit.commit());
    count++;
  }
  await migrated(kv);
  return count;
}
