/**
 * Times of a Lease as the API wants them: RFC 3339 with exactly six decimals (MicroTime). Three decimals are refused with 400.
 */

/** Epoch ms to `2026-01-02T03:04:05.678000Z`. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
