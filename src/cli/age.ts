/**
 * A time span for people. In: milliseconds. Out: a number and a unit. Pure.
 */

/** `4s`, `12m`, `3h`, `9d`: the largest unit that fits at least twice, as `90s` says more than `1m`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 120 * 60) return `${Math.floor(seconds / 60)}m`;
  return seconds < 48 * 3_600 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
