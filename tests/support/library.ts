/** Libraries for `dlopen`, of a module's text. */
import { assemble } from "./guests.ts";

/** A library of a module's text, with what it says that it needs. */
export function libraryOf(text: string, { memory = 0, table = 0, needed = [] as string[] } = {}): Uint8Array {
  const module = assemble(text);
  const name = (word: string) => [word.length, ...new TextEncoder().encode(word)];
  const info = [...leb(memory), 0, ...leb(table), 0];
  const names = needed.length === 0 ? [] : [needed.length, ...needed.flatMap(name)];
  const parts = [1, info.length, ...info, ...(names.length === 0 ? [] : [2, names.length, ...names])];
  const section = [...name("dylink.0"), ...parts];
  return new Uint8Array([...module.slice(0, 8), 0, ...leb(section.length), ...section, ...module.slice(8)]);
}

function leb(number: number): number[] {
  const low = number % 128;
  return number < 128 ? [low] : [low | 128, ...leb(Math.floor(number / 128))];
}
