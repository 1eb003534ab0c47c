/**
 * Rows that are a request and the head that arrives at a backend: every line of it is expected, so that one too many is noticed
 * as well. The lines that the proxy adds to each request stand once, in OURS.
 */
import { expect } from 'chai';
import type { RecordedRequest } from '../support/recorder.ts';
import { HOST, NEW_HOST } from './configuration.ts';
import { INSTANCE } from './plane-under-test.ts';
import { type Given, head, linesOf, onStage, sorted } from './stage.ts';
import type { Case } from './theme.ts';

export interface Row extends Given {
  readonly name: string;
  readonly send: readonly string[];
  readonly body?: string;
  /** The start line and every line behind it, OURS aside; Host is new's. */
  readonly backend: readonly string[];
  /** Over OURS, by name. */
  readonly ours?: Readonly<Record<string, string>>;
}

export const GET = 'GET / HTTP/1.1';
/** As the client sends it, and as new gets it. */
export const SHOP = `Host: ${HOST}`;
export const NEW = `Host: ${NEW_HOST}`;

const CHUNKED = 'Transfer-Encoding: chunked';

const OURS: Readonly<Record<string, string>> = {
  'X-Forwarded-For': '127.0.0.1',
  'X-Forwarded-Proto': 'http',
  'X-Forwarded-Host': HOST,
  'X-Forwarded-Port': '80',
  'X-Request-ID': '*',
  Via: `1.1 ${INSTANCE}`,
};

/** Lines that end at the proxy, between two that do not. */
export function gone(name: string, lines: readonly string[], left: readonly string[] = []): Row {
  return {
    name,
    send: [GET, SHOP, 'X-Before: 1', ...lines, 'X-After: 2'],
    backend: [GET, NEW, 'X-Before: 1', ...left, 'X-After: 2'],
  };
}

/** Each goes to new, unless it says otherwise of its service. */
export function headCases(rows: readonly Row[]): Case[] {
  return rows.map((row) => ({
    name: row.name,
    run: (plane) =>
      onStage(plane, row, async (stage) => {
        const answer = await stage.ask(head(...row.send) + (row.body ?? ''));
        expect(answer.status).to.equal(200);
        const seen = row.service === undefined ? stage.only('new') : stage.only('old');
        const [startLine, ...lines] = row.backend;
        const ours = Object.entries({ ...OURS, ...row.ours }).map(([name, value]) => `${name}: ${value}`);
        expect(seen.startLine).to.equal(startLine);
        expect(viaJoined(framedAs(lines, seen))).to.deep.equal(viaJoined([...lines, ...ours]));
        if (row.body?.includes('hello')) expect(seen.body.toString()).to.equal('hello');
        if (row.body?.includes('smuggled')) expect(seen.body.toString()).to.equal('GET /smuggled HTTP/1.1\r\n');
      }),
  }));
}

/** A list stands on one Via line or on several (RFC 9110 section 5.3). */
function viaJoined(lines: readonly string[]): string[] {
  const isVia = (line: string): boolean => line.startsWith('Via: ');
  const via = lines.filter(isVia).map((line) => line.slice('Via: '.length));
  return sorted([...lines.filter((line) => !isVia(line)), `Via: ${via.join(', ')}`]);
}

/** A chunked body that was there as a whole may be passed on with its length. */
function framedAs(expected: readonly string[], seen: RecordedRequest): string[] {
  const length = `Content-Length: ${seen.body.length}`;
  const other = expected.includes(CHUNKED) ? CHUNKED : length;
  return linesOf(seen).map((line) => (line === length ? other : line));
}
