/** Answers a guest that looks a name up; whether it may is decided before it asks. */
import { lookup } from "node:dns/promises";

/** 0 and the addresses, a line each; 1 when there is no such name, -1 when nobody could tell. */
export interface NameAnswer {
  readonly value: number;
  readonly bytes?: Uint8Array;
}

/** Looks a name up as this machine does. Never rejects. */
export async function resolveName(name: string): Promise<NameAnswer> {
  try {
    const found = await lookup(name, { all: true, verbatim: true });
    return { value: 0, bytes: new TextEncoder().encode(found.map(({ address }) => address).join("\n")) };
  } catch (thrown) {
    return { value: (thrown as { code?: string }).code === "ENOTFOUND" ? 1 : -1 };
  }
}
