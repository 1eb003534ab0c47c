/**
 * Request heads that are refused. Each row is tried alone, and behind a good request in the same write: nothing of it reaches a
 * backend, the good one is answered first, the refusal says so in JSON, and the connection is closed.
 */
import { HOST } from '../configuration.ts';
import { type Refused, refusalCases } from '../refusal-rows.ts';
import { head } from '../stage.ts';
import type { Theme } from '../theme.ts';

const H = `Host: ${HOST}`;
const get = (...lines: readonly string[]): string => head('GET / HTTP/1.1', H, ...lines);
const post = (...lines: readonly string[]): string => head('POST / HTTP/1.1', H, ...lines);
const line = (text: string): string => head(text, H);
const target = (text: string): string => line(`GET ${text} HTTP/1.1`);
const host = (value: string): string => head('GET / HTTP/1.1', `Host: ${value}`);

const rows = (status: number, code: string, ...of: readonly (readonly [string, string])[]): Refused[] =>
  of.map(([what, bytes]) => ({ what, status, code, bytes }));
const bad = (...of: readonly (readonly [string, string])[]): Refused[] => rows(400, 'bad_request', ...of);

const ROWS: readonly Refused[] = [
  ...bad(
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['HTTP/0.9', 'GET /\r\n\r\n'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a version in small letters', line('GET / http/1.1')],
    ['HTTP/1.10', line('GET / HTTP/1.10')],
    ['HTTP/1', line('GET / HTTP/1')],
    ['another protocol', line('GET / ICY/1.1')],
    ['something behind the version', line('GET / HTTP/1.1 x')],
    ['two spaces behind the method', line('GET  / HTTP/1.1')],
    ['two spaces before the version', line('GET /  HTTP/1.1')],
    ['a tab for a space', line('GET\t/ HTTP/1.1')],
    ['a space first', ` ${get()}`],
    ['a bare LF first', `\n${get()}`],
    ['many empty lines first', `${'\r\n'.repeat(20)}${get()}`],
    ['a control character in the method', line('G\x00T / HTTP/1.1')],
    ['a quote in the method', line('G"T / HTTP/1.1')],
    ['a bare LF behind the request line', `GET / HTTP/1.1\n${H}\r\n\r\n`],
    ['a bare CR behind the request line', `GET / HTTP/1.1\r${H}\r\n\r\n`],
    ['bare LFs all through', `GET / HTTP/1.1\n${H}\n\n`],
  ),
  ...bad(
    ['a fragment', target('/a#frag')],
    ['a fragment in the query', target('/a?b#c')],
    ['GET *', target('*')],
    ['OPTIONS *x', line('OPTIONS *x HTTP/1.1')],
    ['authority form', target(`${HOST}:80`)],
    ['a word as target', target('admin')],
    ['a target that begins with @', target('@evil.example/')],
    ['a query without a path', target('?x')],
    ['a backslash for a slash', target('\\evil.example')],
    ['no target', head('GET HTTP/1.1', H)],
    ['a space in the target', target('/a b')],
    ['a tab in the target', target('/a\tb')],
    ['a NUL in the target', target('/a\x00b')],
    ['a DEL in the target', target('/a\x7f')],
    ['a bare CR in the target', target('/a\rb')],
    ['another scheme', target(`ftp://${HOST}/`)],
    ['absolute form without authority', target('http:///x')],
    ['absolute form with user information', target(`http://u@${HOST}/`)],
    ['absolute form with a password', target(`http://u:p@${HOST}/`)],
    ['absolute form with a port too large', target(`http://${HOST}:65536/`)],
    ['absolute form with a query and no path', target(`http://${HOST}?x`)],
    ['absolute form without Host', head(`GET http://${HOST}/ HTTP/1.1`)],
    ['absolute form with a bad Host', head(`GET http://${HOST}/ HTTP/1.1`, 'Host: a b')],
    ['absolute form with two Hosts', head(`GET http://${HOST}/ HTTP/1.1`, H, H)],
  ),
  ...bad(
    ['no Host', head('GET / HTTP/1.1')],
    ['no Host in HTTP/1.0', head('GET / HTTP/1.0')],
    ['two equal Hosts', get(H)],
    ['two Hosts', get('host: other.example')],
    ['an empty Host', host('')],
    ['a space in Host', host(`${HOST} x`)],
    ['a slash in Host', host(`${HOST}/x`)],
    ['user information in Host', host(`u@${HOST}`)],
    ['a NUL in Host', host(`${HOST}\x00`)],
    ['a comma list in Host', host(`${HOST}, ${HOST}`)],
    ['a port too large', host(`${HOST}:99999`)],
    ['a port with a sign', host(`${HOST}:+80`)],
    ['two ports', host(`${HOST}:80:81`)],
    ['a port alone', host(':80')],
    ['an open bracket', host('[::1')],
    ['IPv6 without brackets', host('::1')],
    ['an IPv6 zone', host('[fe80::1%25eth0]')],
    ['two dots in Host', host('shop..example')],
    ['a question mark in Host', host(`${HOST}?x`)],
    ['bytes beyond ASCII in Host', host('sh\xf6p.example')],
  ),
  ...bad(
    ['line folding', get('X-A: 1', ' folded')],
    ['line folding with a tab', get('X-A: 1', '\tfolded')],
    ['white space before the first name', head('GET / HTTP/1.1', ` ${H}`)],
    ['a space before the colon', get('X-A : 1')],
    ['a tab before the colon', get('X-A\t: 1')],
    ['a space before the colon of Host', head('GET / HTTP/1.1', `Host : ${HOST}`)],
    ['a space before the colon of Content-Length', post('Content-Length : 5')],
    ['a space before the colon of Transfer-Encoding', post('Transfer-Encoding : chunked')],
    ['a space in a name', get('X A: 1')],
    ['an empty name', get(': 1')],
    ['a line without a colon', get('X-A')],
    ['a NUL in a name', get('X\x00A: 1')],
    ['a quote in a name', get('X"A: 1')],
    ['a no-break space behind a name', get('X-A\xa0: 1')],
    ['a bare LF in a name', get('X\nA: 1')],
    ['a NUL in a value', get('X-A: 1\x002')],
    ['an escape in a value', get('X-A: \x1b[31m')],
    ['a DEL in a value', get('X-A: \x7f')],
    ['a bare CR in a value', get('X-A: 1\r2')],
    ['a bare CR that hides a header', get('X-A: 1\rTransfer-Encoding: chunked')],
    ['a bare LF that hides a header', get('X-A: 1\nTransfer-Encoding: chunked')],
    ['two CRs at a line end', get('X-A: 1\r')],
    ['a bare LF as the last line', `GET / HTTP/1.1\r\n${H}\r\n\n`],
    ['a bare CR as the last line', `GET / HTTP/1.1\r\n${H}\r\n\rX: 1\r\n\r\n`],
    ['Connection that names more fields than a head may have', get(`Connection: ${'a,'.repeat(101)}b`)],
  ),
  ...rows(
    405,
    'method_not_allowed',
    ['CONNECT', head(`CONNECT ${HOST}:443 HTTP/1.1`, `Host: ${HOST}:443`)],
    ['TRACE', line('TRACE / HTTP/1.1')],
  ),
  ...rows(
    505,
    'version_not_supported',
    ['HTTP/2.0', line('GET / HTTP/2.0')],
    ['HTTP/0.9 by name', line('GET / HTTP/0.9')],
    ['HTTP/1.2', line('GET / HTTP/1.2')],
  ),
  ...rows(
    417,
    'expectation_failed',
    ['an unknown expectation', post('Expect: magic', 'Content-Length: 0')],
    ['100-continue in disguise', post('Expect: x 100-continue', 'Content-Length: 0')],
    ['100-continue with something behind it', post('Expect: 100-continue, x', 'Content-Length: 0')],
    ['two expectations', post('Expect: 100-continue', 'Expect: 100-continue', 'Content-Length: 0')],
    ['an empty expectation', post('Expect:', 'Content-Length: 0')],
  ),
  ...rows(
    431,
    'header_too_large',
    ['101 lines', get(...Array.from({ length: 100 }, (_, i) => `X-${i}: 1`))],
    ['3 000 lines', get(...Array.from({ length: 3000 }, () => 'X: 1'))],
    ['a line of 64 KiB', get(`X-A: ${'v'.repeat(65_536)}`)],
    ['a head one byte beyond 32 KiB', get(`X-A: ${'v'.repeat(32 * 1024 - get('X-A: ').length + 1)}`)],
  ),
  ...rows(414, 'uri_too_long', ['a target of 64 KiB', target(`/${'p'.repeat(65_536)}`)]),
  ...rows(501, 'not_implemented', ['a method of 33 bytes', line(`${'M'.repeat(33)} / HTTP/1.1`)]),
];

export const refusedHeads: Theme = { name: 'refused heads', cases: refusalCases(ROWS) };
