/**
 * "Did you mean": the known word nearest to an unknown one. In: what was written and what there is. Out: one word, or null where
 * none is near enough to be meant.
 */

/** At most a third of the letters may differ, so that `x` does not become `ca`. */
export function nearest(written: string, known: readonly string[]): string | null {
  // Words longer than any key of ours are not worth the square of their length.
  if (written.length > 64) return null;
  const plain = normal(written);
  let best: string | null = null;
  let bestDistance = Math.floor(Math.max(plain.length, 3) / 3) + 1;
  for (const word of known) {
    const distance = editDistance(plain, normal(word));
    if (distance < bestDistance) {
      best = word;
      bestDistance = distance;
    }
  }
  return best;
}

/** `oldHost`, `old-host` and `OLD_HOST` are all `old_host` written in other habits. */
function normal(word: string): string {
  return word
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/[- ]/g, '_')
    .toLowerCase();
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(x: string, y: string): number {
  let before: number[] = [];
  let above = Array.from({ length: y.length + 1 }, (_, j) => j);
  for (let i = 1; i <= x.length; i++) {
    const row = [i];
    for (let j = 1; j <= y.length; j++) {
      const changed = above[j - 1] + (x[i - 1] === y[j - 1] ? 0 : 1);
      row[j] = Math.min(changed, above[j] + 1, row[j - 1] + 1);
      if (i > 1 && j > 1 && x[i - 1] === y[j - 2] && x[i - 2] === y[j - 1])
        row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    before = above;
    above = row;
  }
  return above[y.length];
}
