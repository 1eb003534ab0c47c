/**
 * Conversations of one client, for fuzzing: a few good requests in one stream of bytes, then damaged in a few places and cut
 * into pieces. The last request asks for the connection's end, so that each conversation has one.
 */
import fc from 'fast-check';
import { HOST } from './configuration.ts';
import { head } from './stage.ts';

export interface Conversation {
  /** Latin1: a character is a byte. Each piece is a write of its own. */
  readonly pieces: readonly string[];
  /** How many requests there were before the damage; 0 once anything is damaged. */
  readonly intact: number;
}

const H = `Host: ${HOST}`;
const GOOD: readonly string[] = [
  head('GET /get?a=b HTTP/1.1', H, 'Accept: */*', 'Cookie: a=1; b=2'),
  head('HEAD /head HTTP/1.1', H, 'User-Agent: x'),
  `${head('POST /length HTTP/1.1', H, 'Content-Length: 5', 'Content-Type: text/plain')}hello`,
  `${head('POST /inner HTTP/1.1', H, 'Content-Length: 44')}GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n`,
  `${head('PUT /chunked HTTP/1.1', H, 'Transfer-Encoding: chunked')}5;a="b"\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n`,
  `${head('DELETE /inner HTTP/1.1', H, 'Transfer-Encoding: chunked')}18\r\nGET /smuggled HTTP/1.1\r\n\r\n0\r\n\r\n`,
  `${head('PUT /expect HTTP/1.1', H, 'Expect: 100-continue', 'Content-Length: 2')}ok`,
  head(`GET http://${HOST}/absolute HTTP/1.1`, 'Host: other.example', 'Connection: X-A', 'X-A: 1'),
  head('GET /ws HTTP/1.1', H, 'Connection: Upgrade', 'Upgrade: websocket, h2c'),
  head('GET /nobody HTTP/1.1', 'Host: nobody.example'),
  head('OPTIONS * HTTP/1.1', H),
  `\r\n${head('GET /old HTTP/1.0', H, 'Connection: keep-alive')}`,
];
const LAST = head('GET /last HTTP/1.1', H, 'Connection: close');

const BITS: readonly string[] = [
  ...['\r', '\n', '\r\n', '\r\n\r\n', '\0', ':', ' ', '\t', ',', ';', '/', '?', '#', '*', '%', '@', '"', '_', '-', '+'],
  ...['\x0b', '\x7f', '\x80', '\xa0', '\xff', '0', '1', 'a', 'F', '0\r\n\r\n', '1\r\na\r\n', 'FFFFFFFFFFFFFFFF'],
  ...['\r\nContent-Length: 0', '\r\nContent-Length: 007', '\r\nContent-Length: 44', '\r\nContent-Length : 3'],
  ...['\r\nTransfer-Encoding: chunked', '\r\nTransfer-Encoding: gzip, chunked', '\r\nTransfer-Encoding:\x0bchunked'],
  ...['\r\n folded', '\r\n: x', '\r\nX', '\r\nHost: b', '\r\nConnection: close', '\r\nConnection: Content-Length'],
  ...['\r\nExpect: 100-continue', '\r\nX-Forwarded-For: 6.6.6.6', '\r\nX-Request-ID: forged', '\r\nUpgrade: h2c'],
  ...[' HTTP/1.1\r\n', ' HTTP/1.0\r\n', ' HTTP/2.0\r\n', 'http://', GOOD[0], GOOD[3]],
];

/** Lines that are well formed: most requests outlive them, and mean something else. */
const LINES: readonly string[] = [
  ...['X-A: 1', 'X-Forwarded-For: 6.6.6.6', 'X-Request-ID: forged', 'Upgrade: h2c', 'Cookie: c=3', 'Via: 1.0 fred'],
  ...['Content-Length: 0', 'Content-Length: 007', 'Content-Length: 44', 'Transfer-Encoding: chunked', 'TE: trailers'],
  ...['Connection: close', 'Connection: keep-alive', 'Connection: Content-Length, X-A', 'Expect: 100-continue'],
];

/** Text in, damaged text out; `at` from 0 to 1 says where. */
type Damage = (text: string, at: number) => string;

const indexIn = (text: string, at: number): number => Math.floor(at * text.length);
/** The first `mark` behind that place, or the text's end. */
const nextIn = (text: string, at: number, mark: RegExp): number => {
  const from = indexIn(text, at);
  const found = text.slice(from).search(mark);
  return found === -1 ? text.length : from + found;
};
const splice = (text: string, from: number, removed: number, put: string): string =>
  text.slice(0, from) + put + text.slice(from + removed);

const anyByte = fc.nat(255).map((byte) => String.fromCharCode(byte));
const anywhere = fc
  .record({ removed: fc.constantFrom(0, 0, 1, 1, 2, 9, 40), put: fc.oneof(fc.constantFrom('', ...BITS), anyByte) })
  .map(
    ({ removed, put }): Damage =>
      (text, at) =>
        splice(text, indexIn(text, at), removed, put),
  );
const line = fc.constantFrom(...LINES).map(
  (put): Damage =>
    (text, at) =>
      splice(text, nextIn(text, at, /\r\n/), 0, `\r\n${put}`),
);
const digit = fc.constantFrom(...'0123456789').map(
  (put): Damage =>
    (text, at) =>
      splice(text, nextIn(text, at, /[0-9]/), 1, put),
);
const copied = fc.nat(120).map(
  (length): Damage =>
    (text, at) =>
      splice(text, indexIn(text, 1 - at), 0, text.slice(indexIn(text, at)).slice(0, length)),
);
const shortened: fc.Arbitrary<Damage> = fc.constant((text, at) => text.slice(0, indexIn(text, at)));

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const damage = fc.record({
  at: place,
  does: fc.oneof(
    { weight: 5, arbitrary: anywhere },
    { weight: 5, arbitrary: line },
    { weight: 5, arbitrary: digit },
    { weight: 2, arbitrary: copied },
    { weight: 1, arbitrary: shortened },
  ),
});

export const conversations: fc.Arbitrary<Conversation> = fc
  .record({
    requests: fc.array(fc.constantFrom(...GOOD), { minLength: 1, maxLength: 4 }),
    damages: fc.array(damage, { maxLength: 3 }),
    cuts: fc.array(place, { maxLength: 3 }),
  })
  .map(({ requests, damages, cuts }) => {
    const whole = requests.join('') + LAST;
    const damaged = damages.reduce((text, { at, does }) => does(text, at), whole);
    const ends = [...cuts.map((cut) => indexIn(damaged, cut)), damaged.length].sort((x, y) => x - y);
    const pieces = ends.map((end, i) => damaged.slice(i === 0 ? 0 : ends[i - 1], end)).filter((piece) => piece !== '');
    return { pieces, intact: damaged === whole ? requests.length + 1 : 0 };
  });
