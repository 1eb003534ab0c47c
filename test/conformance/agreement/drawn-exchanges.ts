/**
 * A drawn request and drawn answers, put together for a drawn configuration: bytes, scripts of the backends, and a text for people.
 * What would be drawn by each plane in its own way gets a key, and what nginx is known to treat otherwise is changed.
 */
import fc from 'fast-check';
import { utf8Bytes } from '../../../src/allocator/bytes.ts';
import type { Script } from '../../support/recorder.ts';
import { answers, type DrawnAnswer, endedAs, scriptOf, showAnswer } from './drawn-answers.ts';
import { type DrawnRequest, requests } from './drawn-requests.ts';
import { type Drawn, type DrawnService, ID_HEADERS } from './drawn-services.ts';
import { HELD_BYTES } from './two-planes.ts';

export interface DrawnExchange {
  /** Latin1: a character is a byte. */
  readonly bytes: string;
  readonly method: string;
  /** The client's own. */
  readonly address: string;
  readonly scripts: Readonly<Record<'old' | 'new', Script>>;
  /** For people. */
  readonly shown: string;
}

export interface RawExchange {
  readonly request: DrawnRequest;
  readonly answers: Readonly<Record<'old' | 'new', DrawnAnswer>>;
}
export const rawExchanges: fc.Arbitrary<RawExchange> = fc.record({
  request: requests,
  answers: fc.record({ old: answers, new: answers }),
});

/** Below a share of users, every request needs a key: one without is drawn, by each plane in its own way. */
function needsKey({ migration, state }: DrawnService): boolean {
  const isShared = migration.percentage > 0 && migration.percentage < 100;
  const isProbed = state.admission === 'share' && state.admitBp > 0 && state.admitBp < 10_000;
  return isProbed || (migration.sticky !== undefined && isShared);
}

export function exchangeOf(raw: RawExchange, { backends, services, global }: Drawn, index: number): DrawnExchange {
  const { request: drawn, answers: given } = raw;
  const service = services[drawn.service % services.length];
  const own = services.filter((one) => one.host === service.host);
  // A stream never is nginx's one request of the first step of probing.
  const isSingle = own.some(({ state }) => state.admission === 'one');
  const isUpgrade =
    !isSingle && drawn.upgrade !== undefined && drawn.version === '1.1' && drawn.body.framing === 'none';
  // With nginx a body that is streamed gets no attempt on old.
  const isRescued = global.retry_attempts > 0 && own.some(({ fallback }) => fallback.enabled);
  const body = bodyOf(drawn, isRescued && own.some((one) => one.new === 'dead'));
  const fresh = body.isStreamed && isRescued ? { ...given.new, failure: undefined, status: 200 as const } : given.new;
  const answered = { old: endedAs(backends, given.old), new: endedAs(backends, fresh) };
  const lines = [...ownLines(drawn, own, index), ...otherLines(drawn, { isSingle, isUpgrade, index }), ...body.lines];
  const head = `${[...startLines(drawn, service), ...lines].join('\r\n')}\r\n\r\n`;
  return {
    bytes: head + body.bytes,
    method: drawn.method,
    address: drawn.address,
    scripts: {
      old: scriptOf(answered.old, drawn.method, service, isUpgrade),
      new: scriptOf(answered.new, drawn.method, service, isUpgrade),
    },
    shown: `${head}(${body.bytes.length} bytes)\nold: ${showAnswer(answered.old)}\nnew: ${showAnswer(answered.new)}\nservice s${services.indexOf(service)} of ${JSON.stringify(global)}: ${JSON.stringify(service)}`,
  };
}

function startLines(drawn: DrawnRequest, service: DrawnService): string[] {
  const name = drawn.host ?? service.host;
  const host = drawn.hostForm === 'UPPER' ? name.toUpperCase() : name + drawn.hostForm;
  const prefix = service.pathPrefix === undefined || service.pathPrefix === '/' ? '' : service.pathPrefix;
  const path = `${drawn.isUnder ? prefix : ''}${drawn.path}${drawn.query}`;
  const target = drawn.form === 'absolute' ? `http://${host}${path}` : path;
  return [`${drawn.method} ${target} HTTP/${drawn.version}`, `Host: ${host}`];
}

/** What the services of the host look at. */
function ownLines(drawn: DrawnRequest, own: readonly DrawnService[], index: number): string[] {
  const fields = new Map([...drawn.ruled, ...drawn.userIds].map(([name, text]) => [name as string, utf8Bytes(text)]));
  const cookies = drawn.cookies[0].map(utf8Bytes);
  if (own.some(needsKey)) {
    // The first of all these that a request has is the key of probing.
    for (const name of ID_HEADERS) if ((fields.get(name) ?? '') === '') fields.set(name, `u${index}`);
    cookies.unshift(`migration_id=${(index * 2_654_435_761).toString(16).padStart(32, 'c')}`);
  }
  if (cookies.length > 0) fields.set('Cookie', cookies.join(drawn.cookies[1]));
  return [...fields].map(([name, text]) => `${name}: ${text}`);
}

interface Circumstances {
  readonly isSingle: boolean;
  readonly isUpgrade: boolean;
  readonly index: number;
}

function otherLines(drawn: DrawnRequest, { isSingle, isUpgrade, index }: Circumstances): string[] {
  const fields: [string, string | undefined][] = Object.entries({ ...drawn.forwarded, ...drawn.other });
  const lines = fields.flatMap(([name, text]) => {
    if (text === undefined || (isSingle && name === 'Accept')) return [];
    return [`${name}: ${name === 'X-Request-ID' ? text + index : text}`];
  });
  if (isUpgrade) return [...lines, 'Connection: Upgrade', `Upgrade: ${drawn.upgrade}`];
  return drawn.connection === undefined ? lines : [...lines, `Connection: ${drawn.connection}`];
}

/** HTTP/1.0 knows no chunks. `isHeld`: of a size and framing that nginx may send again. */
function bodyOf({ body, version }: DrawnRequest, isHeld: boolean) {
  const framing = body.framing === 'chunked' && (isHeld || version === '1.0') ? 'length' : body.framing;
  const content = 'b'.repeat(isHeld ? Math.min(body.size, HELD_BYTES) : body.size);
  if (framing === 'none') return { lines: [], bytes: '', isStreamed: false };
  if (framing === 'length')
    return { lines: [`Content-Length: ${content.length}`], bytes: content, isStreamed: content.length > HELD_BYTES };
  const chunk = content === '' ? '' : `${content.length.toString(16)}\r\n${content}\r\n`;
  return { lines: ['Transfer-Encoding: chunked'], bytes: `${chunk}0\r\n\r\n`, isStreamed: true };
}
