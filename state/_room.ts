/**
 * Room in the local tier: what was not used for longest goes first. Only what the global tier has as well goes, and only while no
 * call has a pointer to it.
 */
import { FaasletError } from "../errors.ts";
import type { LocalTier } from "./local_tier.ts";

/** Of the whole, beyond what was asked for: so that not every new chunk has to ask again. */
const SLACK = 1 / 32;
/** Regions that go at once when there are too many keys. */
const KEYS_AT_ONCE = 64;

export class Room {
  readonly #local: LocalTier;
  #making: Promise<void> = Promise.resolve();

  constructor(local: LocalTier) {
    this.#local = local;
  }

  /** Frees what can go, until `bytes` have room; resolves when nothing more can go as well. One after another. */
  make(bytes: number): Promise<void> {
    return this.#making = this.#making.then(() => this.#make(bytes));
  }

  /** Runs what may find that there is no room; then makes some, and runs it once more. */
  async for<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof FaasletError) || error.code !== "ERR_QUOTA") throw error;
    }
    await this.make(bytes);
    return await work();
  }

  async #make(bytes: number): Promise<void> {
    const totals = await this.#local.regionTotals();
    const goal = totals.bytesMax - bytes - totals.bytesMax * SLACK;
    // It may be keys that there are too many of.
    let keysLeft = totals.bytes <= goal ? KEYS_AT_ONCE : 0;
    const candidates = (await this.#local.regions()).filter(({ isMapped }) => !isMapped);
    for (const { key } of candidates.toSorted((one, other) => one.used - other.used)) {
      if (keysLeft <= 0 && (await this.#local.regionTotals()).bytes <= goal) return;
      if (await this.#local.regionDrop(key)) keysLeft--;
    }
  }
}
