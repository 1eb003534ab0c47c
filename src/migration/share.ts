/**
 * Percentages and the basis points that everything after reading counts in. In: a number of per cent. Out: whole basis points,
 * exactly, or null. Two decimals are the finest share that both data planes can keep.
 */

/** 0..10000, or null for anything but a number from 0 to 100 with at most two decimals. */
export function percentToBp(percent: number): number | null {
  if (!(percent >= 0 && percent <= 100)) return null;
  const bp = Math.round(percent * 100);
  // Reading 0.07 and dividing 7 by 100 both round to the nearest double, so they are equal exactly for two decimals.
  return bp / 100 === percent ? bp : null;
}

/** `2930` is `29.3`. */
export function formatBp(bp: number): string {
  return String(bp / 100);
}
