/**
 * Answers that the proxy gives by itself: a status, a stable code, and a small JSON body without any inner detail.
 */
import { STATUS_CODES } from 'node:http';
import type { FailureKind } from '../fallback/outcome.ts';

export interface ErrorAnswer {
  readonly status: number;
  /** Stable: people's scripts and alerts hold on to it. */
  readonly code: string;
}

export const NO_SUCH_HOST: ErrorAnswer = { status: 404, code: 'no_such_host' };
export const BAD_PATH: ErrorAnswer = { status: 400, code: 'bad_path' };
export const BAD_REQUEST: ErrorAnswer = { status: 400, code: 'bad_request' };
export const REQUEST_TIMEOUT: ErrorAnswer = { status: 408, code: 'request_timeout' };
export const LOOP_DETECTED: ErrorAnswer = { status: 508, code: 'loop_detected' };
const UPSTREAM_UNREACHABLE: ErrorAnswer = { status: 502, code: 'upstream_unreachable' };
const UPSTREAM_INVALID: ErrorAnswer = { status: 502, code: 'upstream_invalid_response' };
const UPSTREAM_TIMEOUT: ErrorAnswer = { status: 504, code: 'upstream_timeout' };

/** What the client is told when the last attempt failed so. */
export function upstreamError(kind: FailureKind): ErrorAnswer {
  if (kind === 'timeout') return UPSTREAM_TIMEOUT;
  return kind === 'dns' || kind === 'connect' || kind === 'tls' ? UPSTREAM_UNREACHABLE : UPSTREAM_INVALID;
}

export interface ErrorContext {
  readonly service: string | null;
  readonly requestId: string;
  /** The answer to HEAD has no body. */
  readonly method: string;
}

/** `lines`: further header lines, each with its CRLF. */
export function errorAnswer(
  error: ErrorAnswer,
  lines: string,
  { service, requestId, method }: ErrorContext,
  connection: 'close' | 'keep-alive',
): string {
  const body = `${JSON.stringify({ error: error.code, service, request_id: requestId })}\n`;
  const head =
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? 'Error'}\r\n` +
    'Content-Type: application/json\r\n' +
    `Content-Length: ${Buffer.byteLength(body)}\r\n` +
    `X-Request-ID: ${requestId}\r\n` +
    `${lines}${error.status === 405 ? 'Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n' : ''}` +
    `Connection: ${connection}\r\n\r\n`;
  return method === 'HEAD' ? head : head + body;
}
