/**
 * What nginx's error.log says of attempts. In: one line. Out: which connection it is of, how far the attempt had come, and
 * the kind of failure in the words of the direct data plane; null for lines that say nothing of a cluster.
 * The text behind the cause (request, host, a broken header line) is under the control of clients and backends: none of it is kept but
 * the method. Wordings: ngx_http_upstream.c and ngx_event_openssl.c of nginx 1.22 to 1.29.
 */
import { getSystemErrorName } from 'node:util';
import type { FailureKind } from '../../fallback/outcome.ts';

export interface UpstreamError {
  /** nginx's number of the client's connection, as `$connection`. */
  readonly connection: number;
  /**
   * How far the attempt had come. `head`: no answer yet. `body`: the answer broke off, so nginx ends the client's
   * connection with it.
   */
  readonly stage: 'connect' | 'head' | 'body';
  /** Null: nginx itself ran short of something, which says nothing of the cluster. */
  readonly kind: FailureKind | null;
  /** For people, without the address. */
  readonly cause: string;
  /** Of the client's request; '' unless it is a token. */
  readonly method: string;
}

/** nginx could not take a client, or not ask a cluster, because of its own limits. */
export type OwnShortage = 'accept_failed' | 'too_many_connections';

const LINE = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[\w+\] \d+#\d+: \*(\d+) (.*)$/s;
const SHORTAGE =
  /^[\d/]{10} [\d:]{8} \[\w+\] \d+#\d+: (?:\*\d+ )?(?:(accept4?\(\) failed \()|\d+ worker_connections are not enough)/;
const STAGES: readonly (readonly [string, UpstreamError['stage']])[] = [
  [' while connecting to upstream', 'connect'],
  [' while SSL handshaking to upstream', 'connect'],
  [' while sending request to upstream', 'head'],
  [' while reading response header from upstream', 'head'],
  [' while reading upstream', 'body'],
];
const SYSTEM_CALL = /^(\w+)\(\)(?: to \S+)? failed \((\d+): /;
/** The client's own connection fails at level info, below what is logged. */
const READING = /^(upstream |recv\(\)|readv\(\)|SSL_read\(\))/;
const SHORTAGES: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

export function parseUpstreamError(line: string): UpstreamError | null {
  const match = LINE.exec(line);
  if (match === null) return null;
  const [, connection, rest] = match;
  const head = cut(rest, ', client: ');
  const stage = stageOf(head);
  if (stage === null) return null;
  const verdict = verdictOf(head, stage);
  if (verdict === null) return null;
  const method = /, request: "([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) /.exec(rest.slice(head.length))?.[1] ?? '';
  return { connection: Number(connection), stage, ...verdict, method };
}

/** Lines of no attempt that the direct data plane counts as refused clients. */
export function parseShortage(line: string): OwnShortage | null {
  // At its beginning: behind it are bytes of clients.
  const what = SHORTAGE.exec(line);
  if (what === null) return null;
  if (what[1] !== undefined) return 'accept_failed';
  return cut(line, ', client: ').includes(' upstream') ? null : 'too_many_connections';
}

function stageOf(head: string): UpstreamError['stage'] | null {
  // nginx says what it was doing last: with an answer's first bytes still the head, with what waits for the client the client.
  if (head.startsWith('upstream sent invalid chunked response')) return 'body';
  if (head.endsWith(' while sending to client')) return READING.test(head) ? 'body' : null;
  for (const [words, stage] of STAGES) if (head.endsWith(words)) return stage;
  return null;
}

function verdictOf(head: string, stage: UpstreamError['stage']): Pick<UpstreamError, 'kind' | 'cause'> | null {
  const broken = stage === 'body' ? 'truncated' : 'reset';
  if (head.startsWith('upstream timed out')) return { kind: 'timeout', cause: 'timed out' };
  if (head.startsWith('no live upstreams')) return { kind: 'dns', cause: 'no address known' };
  if (head.startsWith('upstream prematurely closed')) {
    return { kind: broken, cause: stage === 'body' ? 'closed in the middle of an answer' : 'closed before an answer' };
  }
  if (/^\d+ worker_connections are not enough/.test(head)) return { kind: null, cause: 'nginx: too few connections' };
  if (head.endsWith(' while SSL handshaking to upstream')) return { kind: 'tls', cause: `tls ${tlsCause(head)}` };
  const call = SYSTEM_CALL.exec(head);
  if (call !== null) {
    const name = errorName(Number(call[2]));
    if (SHORTAGES.has(name) || call[1] === 'socket') return { kind: null, cause: `nginx: ${call[1]} ${name}` };
    if (stage === 'connect') return { kind: 'connect', cause: `connect ${name}` };
    return { kind: broken, cause: name };
  }
  if (head.startsWith('upstream sent ')) {
    const cause = /^upstream sent ((?:an? )?[A-Za-z0-9/. ]+?)(?: while |:| "|$)/.exec(head)?.[1] ?? 'a broken answer';
    return { kind: stage === 'body' ? 'truncated' : 'invalid_response', cause: `answer has ${cause}` };
  }
  if (/^(SSL_|peer closed|upstream SSL)/.test(head)) return { kind: broken, cause: tlsCause(head) };
  return null;
}

/** OpenSSL's own words, without the numbers of its library. */
function tlsCause(head: string): string {
  const verify = /verify error: \(\d+:([\w ,().'-]{1,100}?)\) while/.exec(head);
  if (verify !== null) return verify[1];
  if (head.includes('certificate does not match')) return 'certificate is of another name';
  const call = SYSTEM_CALL.exec(head);
  if (call !== null) return errorName(Number(call[2]));
  const reason = /SSL routines:[^:]*:([\w ]{1,80})/.exec(head);
  if (reason !== null) return reason[1];
  return head.startsWith('peer closed') ? 'connection closed' : 'handshake failed';
}

function errorName(number: number): string {
  try {
    return getSystemErrorName(-number);
  } catch {
    return `error ${number}`;
  }
}

function cut(text: string, before: string): string {
  const at = text.indexOf(before);
  return at < 0 ? text : text.slice(0, at);
}
