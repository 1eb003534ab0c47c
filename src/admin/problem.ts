/**
 * An error as RFC 9457 tells it: `application/problem+json` with status, title, a stable `code` and one sentence for people.
 * In: code and detail. Out: the answer's body and headers. Never a stack, a path of this machine or what a client sent.
 */
import { STATUS_CODES } from 'node:http';
import type { Response } from 'express';

/** Stable: scripts compare with it. */
export type ProblemCode =
  | 'bad_request'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'no_such_service'
  | 'no_such_replica'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'refused'
  | 'managed'
  | 'too_large'
  | 'unsupported_media_type'
  | 'bad_value'
  | 'too_many_attempts'
  | 'head_too_large'
  | 'internal'
  | 'unavailable'
  | 'not_ready';

const STATUS_OF: Readonly<Record<ProblemCode, number>> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  no_such_service: 404,
  no_such_replica: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  managed: 409,
  refused: 409,
  too_large: 413,
  unsupported_media_type: 415,
  bad_value: 422,
  too_many_attempts: 429,
  head_too_large: 431,
  internal: 500,
  unavailable: 503,
  not_ready: 503,
};

export interface Problem {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Members of the answer beside the problem's own (RFC 9457 section 3.2). */
  readonly members?: Readonly<Record<string, string>>;
}

/** `405 Method Not Allowed` */
export function statusLine(code: ProblemCode): string {
  return `${STATUS_OF[code]} ${STATUS_CODES[STATUS_OF[code]]}`;
}

export function problemBody({ code, detail, members }: Problem): string {
  const status = STATUS_OF[code];
  return JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, code, detail, ...members });
}

export function sendProblem(response: Response, problem: Problem): void {
  response.status(STATUS_OF[problem.code]);
  if (problem.headers !== undefined) response.set(problem.headers);
  response.type('application/problem+json').send(problemBody(problem));
}
