/**
 * What an endpoint of the admin server is: method, path, one line for people, and how it answers.
 * The list of endpoints is data: the server is built from it, `/` shows it and the OpenAPI document is checked against it.
 */
import type { Request, Response } from 'express';
import type { AdminBackend } from './backend.ts';

export interface Endpoint {
  readonly method: 'GET' | 'PATCH' | 'POST';
  /** `{name}` stands for one segment, as in OpenAPI. */
  readonly path: string;
  readonly summary: string;
  readonly answer: (request: Request, response: Response) => void | Promise<void>;
}

export interface AdminContext {
  readonly backend: AdminBackend;
  readonly version: string;
  readonly replica: string;
  /** Bearer token of writes; null: none is set. A function where it may change while we run. */
  readonly token: string | null | (() => string | null);
  /** What a write without a token set may hope for: see the guard. */
  readonly withoutToken: 'loopback' | 'refuse';
  /** The address that the server is bound to, known once it listens. */
  readonly boundAddress: () => string;
  readonly nowMs: () => number;
  /** Told of every error that is nobody's input: the answer says `internal` and no more. */
  readonly onError: (error: unknown) => void;
}

export function pathName(request: Request): string {
  return String(request.params.name);
}

/** The query as sent, without its `?`. */
export function queryOf(request: Request): string {
  const at = request.url.indexOf('?');
  return at === -1 ? '' : request.url.slice(at + 1);
}
