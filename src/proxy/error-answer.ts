/**
 * Answers that the proxy gives by itself: a status, a stable code, and a small JSON body without any inner detail.
 */
import { STATUS_CODES } from 'node:http';

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
export const UPSTREAM_UNREACHABLE: ErrorAnswer = { status: 502, code: 'upstream_unreachable' };
export const UPSTREAM_INVALID: ErrorAnswer = { status: 502, code: 'upstream_invalid_response' };
export const UPSTREAM_TIMEOUT: ErrorAnswer = { status: 504, code: 'upstream_timeout' };

export interface ErrorContext {
  readonly service: string | null;
  readonly requestId: string;
  /** The answer to HEAD has no body. */
  readonly method: string;
  readonly connection: 'close' | 'keep-alive';
  /** Further header lines, each with its CRLF. */
  readonly lines: string;
}

export function errorAnswer(error: ErrorAnswer, context: ErrorContext): string {
  const body = `${JSON.stringify({ error: error.code, service: context.service, request_id: context.requestId })}\n`;
  const head =
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? 'Error'}\r\n` +
    'Content-Type: application/json\r\n' +
    `Content-Length: ${Buffer.byteLength(body)}\r\n` +
    `X-Request-ID: ${context.requestId}\r\n` +
    `${context.lines}${error.status === 405 ? 'Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n' : ''}` +
    `Connection: ${context.connection}\r\n\r\n`;
  return context.method === 'HEAD' ? head : head + body;
}
