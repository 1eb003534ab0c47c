/**
 * Durations as people write them. In: `30s`, `1m30s`, `500ms`, or a plain number of seconds. Out: whole milliseconds, or null for
 * anything else. Which durations are allowed where is not known here.
 */
const UNITS = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/** Each unit at most once, the larger first, so that `1m1h` or `5s5s`, which are slips of the pen, are refused. */
const FORM = /^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;

/** Whole milliseconds, rounded; null for what is no duration. Zero and any length are fine here. */
export function parseDurationMs(value: string | number): number | null {
  if (typeof value === 'number') return milliseconds(value * UNITS.s);
  if (value.length === 0 || value.length > 40) return null;
  if (/^\d+(?:\.\d+)?$/.test(value)) return milliseconds(Number(value) * UNITS.s);
  const found = FORM.exec(value);
  if (found === null) return null;
  const [, h = '0', m = '0', s = '0', ms = '0'] = found;
  return milliseconds(Number(h) * UNITS.h + Number(m) * UNITS.m + Number(s) * UNITS.s + Number(ms));
}

/** `90000` is `1m30s`: the shortest form that reads back as the same number of milliseconds. */
export function formatDurationMs(totalMs: number): string {
  let rest = totalMs;
  let text = '';
  for (const [unit, size] of Object.entries(UNITS)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}

function milliseconds(exact: number): number | null {
  return Number.isFinite(exact) && exact >= 0 && exact <= Number.MAX_SAFE_INTEGER ? Math.round(exact) : null;
}
