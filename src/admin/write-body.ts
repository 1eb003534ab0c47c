/**
 * The body of a write, read strictly.
 * In: its bytes. Out: the values, or the problem. What is not asked for is refused, not ignored: a misspelt key must not
 * turn a change into another one.
 */
import type { Problem } from './problem.ts';

const REASON_LIMIT = 500;

/** Control characters, line ends and lone surrogates break a log line; bidi overrides make it read as something else. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202a-\u202e\u2066-\u2069]/u;

export type Parsed<T> = { readonly value: T } | { readonly problem: Problem };

export interface Change {
  /** 0..100, at most two decimals. */
  readonly percentage: number;
  /** '': none was given. */
  readonly reason: string;
  /** `force`: also where another tool owns the source. */
  readonly scope: 'own' | 'even_if_managed';
  /** `dry_run`: only what it would change. */
  readonly mode: 'write' | 'preview';
}

/** `{"percentage": 30, "reason": "...", "force": false, "dry_run": false}`: all but the percentage may be left out. */
export function parseChange(body: Uint8Array): Parsed<Change> {
  const parsed = parseObject(body, ['percentage', 'reason', 'force', 'dry_run']);
  if ('problem' in parsed) return parsed;
  const { percentage, force = false, dry_run: dryRun = false } = parsed.value;
  if (!isPercentage(percentage)) {
    return badValue(
      'percentage must be a number from 0 to 100 with at most two decimals, such as {"percentage": 12.5}',
    );
  }
  if (typeof force !== 'boolean') return badValue('force must be true or false');
  if (typeof dryRun !== 'boolean') return badValue('dry_run must be true or false');
  const reason = reasonOf(parsed.value);
  if (reason === null) return BAD_REASON;
  const scope = force ? 'even_if_managed' : 'own';
  return { value: { percentage, reason, scope, mode: dryRun ? 'preview' : 'write' } };
}

/** `{"reason": "..."}`, `{}` or nothing at all. */
export function parseReason(body: Uint8Array): Parsed<{ readonly reason: string }> {
  const parsed = body.length === 0 ? { value: {} } : parseObject(body, ['reason']);
  if ('problem' in parsed) return parsed;
  const reason = reasonOf(parsed.value);
  return reason === null ? BAD_REASON : { value: { reason } };
}

function isPercentage(value: unknown): value is number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 100) || Object.is(value, -0)) return false;
  return Math.round(value * 100) / 100 === value;
}

function reasonOf({ reason = '' }: Record<string, unknown>): string | null {
  if (typeof reason !== 'string' || reason.length > REASON_LIMIT || UNPRINTABLE.test(reason)) return null;
  return reason;
}

function parseObject(body: Uint8Array, known: readonly string[]): Parsed<Record<string, unknown>> {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    value = JSON.parse(text);
  } catch {
    return { problem: { code: 'bad_request', detail: 'the body is no JSON in UTF-8' } };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return badValue('the body must be a JSON object');
  }
  if (Object.keys(value).some((key) => !known.includes(key))) {
    return badValue(`the body has an unknown key; known are: ${known.join(', ')}`);
  }
  if (Object.values(value).some((part) => typeof part === 'object' && part !== null)) {
    return badValue('the values must be plain: numbers, strings, true or false');
  }
  // JSON.parse lets the last of two equal keys win; who reads only the first is misled. The object is flat, so that each
  // string with a colon after it is a key.
  const keys = [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined);
  if (keys.length !== Object.keys(value).length) return badValue('the body has a key twice');
  return { value: value as Record<string, unknown> };
}

function badValue(detail: string): { readonly problem: Problem } {
  return { problem: { code: 'bad_value', detail } };
}

const BAD_REASON = badValue(`reason must be text of at most ${REASON_LIMIT} characters without control characters`);
