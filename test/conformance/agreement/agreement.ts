/**
 * Whether two planes agree: one drawn configuration and its exchanges, at both; what differs, in words, out. Ids that a plane made
 * are no difference, nor are the lines that nginx adds to any answer.
 */

import type { Outcome } from '../../../src/fallback/outcome.ts';
import type { RequestRecord } from '../../../src/status/request-record.ts';
import type { HttpMessage } from '../../support/http-message.ts';
import { statusOf } from '../../support/http-message.ts';
import { OWN_REQUEST_ID } from '../../support/request-ids.ts';
import { exchangeOf, type RawExchange } from './drawn-exchanges.ts';
import type { Drawn } from './drawn-services.ts';
import type { Asked, Seen, Side, Told } from './two-planes.ts';

export interface Disagreement {
  /** Of which kind, with nothing of the case in it. */
  readonly kind: string;
  readonly text: string;
}

export async function disagreements(
  drawn: Drawn,
  raws: readonly RawExchange[],
  sides: readonly [Side, Side],
): Promise<Disagreement[]> {
  await Promise.all(sides.map((side) => side.serve(drawn)));
  const found: Disagreement[] = [];
  const exchanges = raws.map((raw, i) => exchangeOf(raw, drawn, i));
  for (const exchange of exchanges) {
    const both = (await Promise.all(sides.map((side) => side.exchange(exchange)))) as [Seen, Seen];
    const views = both.map(viewOf);
    for (const key of Object.keys(views[0]) as (keyof View)[]) {
      const [x, y] = [views[0][key], views[1][key]];
      if (x !== y) found.push({ kind: key, text: `${difference(x, y)}\n${exchange.shown}` });
    }
  }
  const told = (await Promise.all(sides.map((side) => side.told(exchanges.length)))) as [Told, Told];
  found.push(...toldApart(told));
  return found;
}

interface View {
  readonly asked: string;
  readonly heads: string;
  readonly status: string;
  readonly lines: string;
  readonly body: string;
}

function viewOf({ asked, answer }: Seen): View {
  const once = asked.filter(({ cluster }, i) => cluster !== asked[i - 1]?.cluster);
  return {
    asked: once.map(({ cluster }) => cluster).join(' '),
    heads: once.map(askedText).join('\n'),
    status: answer === null ? 'none' : statusText(answer),
    lines: answer === null ? '' : answerLines(answer, asked).join('\n'),
    body: answer === null ? '' : bodyText(answer),
  };
}

/** nginx has words of its own for 504, and none for 508. */
function statusText(answer: HttpMessage): string {
  const status = statusOf(answer);
  return status === 508 ? '508' : answer.startLine.replace('Time-out', 'Timeout');
}

/** How a body is framed is each plane's own affair; that it is framed is not. */
function askedText({ cluster, request }: Asked): string {
  const lines = linesOf(request).filter((line) => !FRAMING.test(line));
  const isFramed = linesOf(request).length > lines.length;
  return [`${cluster}: ${request.startLine}`, ...lines, isFramed ? `body of ${request.body.length}` : 'no body'].join(
    '\n',
  );
}

const FRAMING = /^(?:content-length|transfer-encoding):/i;

function linesOf({ fields }: Pick<HttpMessage, 'fields'>): string[] {
  const values = new Map<string, string[]>();
  for (const [name, value] of fields) {
    const key = name.toLowerCase() === 'via' ? 'Via' : name;
    values.set(key, [...(values.get(key) ?? []), masked(name, value)]);
  }
  return [...values]
    .flatMap(([name, all]) =>
      name === 'Via' ? [`${name}: ${all.join(', ')}`] : all.map((one) => `${name}: ${one}`.trimEnd()),
    )
    .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line] as const)
    .sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0))
    .map(([, line]) => line);
}

function masked(name: string, value: string): string {
  if (name.toLowerCase() === 'connection') return value.toLowerCase();
  if (name.toLowerCase() === 'x-request-id') return value.replace(OWN_REQUEST_ID, '*');
  return name.toLowerCase() === 'set-cookie' ? value.replace(/^migration_id=[0-9a-f]{32}/, 'migration_id=*') : value;
}

function answerLines(answer: HttpMessage, asked: readonly Asked[]): string[] {
  const own = new Set(['server: nginx', 'connection: keep-alive']);
  const isOwn = asked.length === 0;
  // nginx ends the client's connection behind some statuses that it does not pass on.
  if (new Set(asked.map(({ cluster }) => cluster)).size > 1) own.add('connection: close');
  return linesOf(answer).filter((line) => {
    const lower = line.toLowerCase();
    if (lower.startsWith('transfer-encoding') || (lower.startsWith('content-length') && answer.body.length > 0))
      return false;
    // Without an answer to an Upgrade nginx ends the client's connection.
    if (lower === 'connection: close' && [502, 504].includes(statusOf(answer))) return false;
    // Of our own errors, by how long an id is; their bodies are compared without it.
    if (lower.startsWith('content-length') && [502, 504].includes(statusOf(answer))) return false;
    // A body that nobody wanted may be read, or the connection ended.
    if (
      isOwn &&
      (lower === 'connection: close' || lower.startsWith('x-request-id') || lower.startsWith('content-length'))
    )
      return false;
    return !own.has(lower) && !(lower.startsWith('date: ') && !lower.startsWith('date: thu, 01 jan 2026'));
  });
}

function bodyText({ body }: HttpMessage): string {
  return body.toString('latin1').replace(/"request_id":"[^"]*"/, '"request_id":"*"');
}

function toldApart(told: readonly [Told, Told]): Disagreement[] {
  const found: Disagreement[] = [];
  const [x, y] = told.map(({ refused }) => [...refused].sort().join(' '));
  if (x !== y) found.push({ kind: 'refused', text: difference(x, y) });
  // In no order: a stream is told when it ends, and of an ordinary request nginx tells no id.
  const [rs, ss] = told.map(({ records }) => counted(records.map(recordText)));
  if (rs !== ss) found.push({ kind: 'records', text: difference(rs, ss) });
  const [us, vs] = told.map(({ outcomes }) => counted(outcomes.map(outcomeText)));
  if (us !== vs) found.push({ kind: 'outcomes', text: difference(us, vs) });
  return found;
}

function recordText({ service, cluster, reason, status, answered, attempts }: RequestRecord): string {
  const tried = attempts.map((attempt) => `${attempt.cluster} ${attempt.failure ?? 'answered'}`).join(', ');
  return `${service} ${cluster} ${reason} ${status} ${answered ? 'answered' : 'own'}: ${tried}`;
}

function difference(x: string, y: string): string {
  const [xs, ys] = [x.split('\n'), y.split('\n')];
  const only = (some: string[], others: string[]): string[] => some.filter((line) => !others.includes(line));
  const shown = [
    ...only(xs, ys).map((line) => `  direct: ${line.slice(0, 400)}`),
    ...only(ys, xs).map((line) => `  nginx:  ${line.slice(0, 400)}`),
  ];
  return shown.length > 0 ? shown.join('\n') : `  direct: ${x.slice(0, 400)}\n  nginx: ${y.slice(0, 400)}`;
}

function outcomeText({ service, cluster, failure, status, probe }: Outcome): string {
  return `${service} ${cluster} ${failure ?? 'answered'} ${status}${probe ? ' probe' : ''}`;
}

/** `3 s0 new reset 0`: how many of which. */
function counted(texts: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts]
    .map(([text, count]) => `${count} ${text}`)
    .sort()
    .join('\n');
}
