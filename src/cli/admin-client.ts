/**
 * The CLI's way to a running proxy: one request to its admin server. In: the server's URL, path and body. Out: the JSON of a good
 * answer; all else is a CliFailure that says what to do. The token comes from the environment and goes nowhere but
 * into the Authorization line. node:http instead of fetch: a tenth of its start-up time.
 */
import type { IncomingMessage, RequestOptions } from 'node:http';
import { userInfo } from 'node:os';
import { answerNo, cannot, ManagedElsewhere, reasonOf } from './failure.ts';

const BODY_LIMIT_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 10_000;

export interface AdminRequest {
  readonly method?: 'GET' | 'PATCH' | 'POST';
  /** Behind the server's URL, such as `/status`. */
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
}

/** Asks the admin server at `base`. Throws CliFailure: code 1 for an unknown service or replica, else 2. */
export async function askAdmin(base: URL, request: AdminRequest): Promise<unknown> {
  const url = new URL(base.pathname.replace(/\/$/, '') + request.path, base);
  const { send } = await transport(url);
  const body = request.body === undefined ? null : JSON.stringify(request.body);
  const options: RequestOptions = {
    method: request.method ?? 'GET',
    headers: headers(body),
    timeout: request.timeoutMs ?? TIMEOUT_MS,
    signal: AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS),
  };
  let answer: { readonly status: number; readonly text: string };
  try {
    answer = await new Promise((resolve, reject) => {
      const sent = send(url, options, (response) => readAll(response).then(resolve, reject));
      sent.on('error', reject).end(body ?? undefined);
    });
  } catch (error) {
    throw cannot(unreachable(base, error));
  }
  return contentOf(base, answer.status, answer.text);
}

async function transport(url: URL): Promise<{ send: typeof import('node:http').request }> {
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  return { send: request };
}

function headers(body: string | null): Record<string, string> {
  const lines: Record<string, string> = { Accept: 'application/json' };
  const token = process.env.MIGRATION_PROXY_ADMIN_TOKEN?.trim();
  if (token) {
    if (!/^[\x21-\x7e]+$/.test(token))
      throw cannot('MIGRATION_PROXY_ADMIN_TOKEN has a character that no token may have');
    lines.Authorization = `Bearer ${token}`;
  }
  if (body !== null) {
    lines['Content-Type'] = 'application/json';
    lines['Content-Length'] = String(Buffer.byteLength(body));
    lines['X-Migration-Proxy-User'] = personAtWork();
  }
  return lines;
}

/** Who asks, for the log of changes: no proof of identity. */
export function personAtWork(): string {
  const name = (process.env.USER || accountName()).replace(/[^\x21-\x7e]/g, '').slice(0, 60);
  return name === '' ? 'cli' : `cli:${name}`;
}

/** In a container the user's number may have no name. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}

async function readAll(response: IncomingMessage): Promise<{ status: number; text: string }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_LIMIT_BYTES) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') };
}

function unreachable(base: URL, error: unknown): string {
  const where = base.href.replace(/\/$/, '');
  const late = error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
  const reason = late ? 'no answer in time' : reasonOf(innermost(error));
  return `cannot reach the admin server at ${where}: ${reason}; is \`migration-proxy run\` at work there? --admin URL or MIGRATION_PROXY_ADMIN names another`;
}

/** A name with several addresses fails with all their errors in one. */
function innermost(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}

function contentOf(base: URL, status: number, text: string): unknown {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw cannot(`${base.href} is no admin server of migration-proxy: its answer (${status}) is no JSON`);
  }
  if (status >= 200 && status < 300) return content;
  const { code, detail, title } = (content ?? {}) as Record<string, unknown>;
  const message = String(detail ?? title ?? `status ${status}`);
  if (code === 'managed')
    throw new ManagedElsewhere(message, String((content as Record<string, unknown>).difference ?? ''));
  if (code === 'no_such_replica') throw answerNo(message);
  if (code === 'no_such_service') throw answerNo(`${message}; \`migration-proxy status\` lists those that are`);
  if (status === 401) throw cannot(`${message} (the CLI sends what MIGRATION_PROXY_ADMIN_TOKEN holds)`);
  throw cannot(message);
}
