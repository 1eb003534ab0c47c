/**
 * What can go wrong between an API server and us, in one form. In: a status with its body, an error of a socket, an expired limit.
 * Out: a KubeFailure whose message says what was asked, of whom, and what came back, in the API's own words where it gave any.
 * Refuses to know what anybody does about it.
 */
import { KubeFailure, type KubeFailureKind } from './api.ts';
import { missingRight } from './missing-right.ts';

/** Nobody was asked: there is nothing to show. The message says what is missing, where, and what to do. */
export class UnusableCredentials extends Error {}

/** The parts of a `kind: Status` that we read. */
interface StatusBody {
  readonly message: string;
  readonly reason: string;
}

/** `what`: `patch configmaps "x" in namespace "y"`. `headers` in lower case. */
export function failureOfStatus(
  server: string,
  what: string,
  answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | string[] | undefined>>;
    readonly text: string;
  },
): KubeFailure {
  const { status, headers, text } = answer;
  const { message, reason } = statusBody(text);
  const retryAfterMs = retryAfterOf(headers['retry-after']);
  const kind = kindOf(status, reason, message, retryAfterMs !== null);
  const verb = kind === 'forbidden' || kind === 'unauthorized' ? 'refuses to' : 'did not';
  const right = kind === 'forbidden' ? missingRight(message) : null;
  const said = `${message === '' ? '' : `: ${cut(message)}`}${right === null ? '' : `; ${right}`}`;
  return new KubeFailure(kind, `the API server ${server} ${verb} ${what} (${status})${said}`, {
    status,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  });
}

/** The object of a watch's ERROR event. */
export function failureOfErrorEvent(server: string, object: unknown): KubeFailure {
  const code = (object as { code?: unknown } | null)?.code;
  const status = typeof code === 'number' ? code : 500;
  return failureOfStatus(server, 'go on with the watch', { status, headers: {}, text: JSON.stringify(object ?? {}) });
}

export function unreachable(server: string, error: unknown): KubeFailure {
  const what = error instanceof UnusableCredentials ? 'cannot be asked' : 'does not answer';
  return new KubeFailure('unreachable', `the API server ${server} ${what}: ${reasonOf(error)}`, { cause: error });
}

export function timedOut(server: string, what: string, limitMs: number): KubeFailure {
  const message = `the API server ${server} does not answer: no end of the attempt to ${what} within ${limitMs / 1000} s`;
  return new KubeFailure('timeout', message);
}

export function notTheApi(server: string, what: string, why: string): KubeFailure {
  return new KubeFailure('server', `the API server ${server} answered the attempt to ${what} with ${why}`);
}

function kindOf(status: number, reason: string, message: string, saysWhen: boolean): KubeFailureKind {
  switch (status) {
    case 400:
      return 'invalid';
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return 'not_found';
    case 409:
      return reason === 'AlreadyExists' ? 'exists' : 'conflict';
    case 410:
      return 'gone';
    case 413:
      return 'too_large';
    case 422:
      // Of an object beyond its size: `data: Too long: may not be more than 1048576 bytes`.
      return /Too long|too large/i.test(message) ? 'too_large' : 'invalid';
    case 429:
      return 'throttled';
    case 503:
      return saysWhen ? 'throttled' : 'server';
    default:
      return reason === 'Expired' || reason === 'Gone' ? 'gone' : 'server';
  }
}

function statusBody(text: string): StatusBody {
  try {
    const body = JSON.parse(text) as { message?: unknown; reason?: unknown } | null;
    return {
      message: typeof body?.message === 'string' ? oneLine(body.message) : '',
      reason: typeof body?.reason === 'string' ? body.reason : '',
    };
  } catch {
    return { message: oneLine(text), reason: '' };
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** Bodies of gateways may be pages of HTML. */
function cut(line: string): string {
  return line.length > 400 ? `${line.slice(0, 400)} …` : line;
}

/** The API server writes seconds, never a date. */
function retryAfterOf(header: string | string[] | undefined): number | null {
  return typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : null;
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  const message = error instanceof Error && error.message !== '' ? error.message : String(error);
  // Node's word for an answer whose connection ended before it did.
  return message === 'aborted' ? 'the connection broke off' : message;
}
