/** The word that was probably meant: the nearest one, if it is near enough; undefined otherwise. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  // Two letters that changed places are two steps; of a short word, that is all of it.
  let least = (word.length <= 3 ? 1 : Math.max(2, Math.floor(word.length / 3))) + 1;
  for (const one of known) {
    const distance = distanceOf(word, one);
    if (distance < least) [best, least] = [one, distance];
  }
  return best;
}

/** Insertions, deletions and replacements from one word to the other (Wagner and Fischer), a row at a time. */
function distanceOf(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
