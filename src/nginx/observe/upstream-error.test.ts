import { expect } from 'chai';
import { parseShortage, parseUpstreamError } from './upstream-error.ts';

/** As nginx 1.22.1 writes them. */
function line(message: string, level = 'error'): string {
  const context =
    'client: 127.0.0.1, server: , request: "GET /a HTTP/1.1", upstream: "http://127.0.0.1:1/a", host: "x"';
  return `2026/11/21 15:19:57 [${level}] 12644#12644: *37 ${message}, ${context}`;
}

const ROWS: readonly (readonly [string, string, string | null, string])[] = [
  [
    'connect() failed (111: Connection refused) while connecting to upstream',
    'connect',
    'connect',
    'connect ECONNREFUSED',
  ],
  [
    'connect() to 10.0.0.1:80 failed (113: No route to host) while connecting to upstream',
    'connect',
    'connect',
    'connect EHOSTUNREACH',
  ],
  ['upstream timed out (110: Connection timed out) while connecting to upstream', 'connect', 'timeout', 'timed out'],
  [
    'upstream timed out (110: Connection timed out) while SSL handshaking to upstream',
    'connect',
    'timeout',
    'timed out',
  ],
  [
    'upstream timed out (110: Connection timed out) while reading response header from upstream',
    'head',
    'timeout',
    'timed out',
  ],
  ['upstream timed out (110: Connection timed out) while reading upstream', 'body', 'timeout', 'timed out'],
  ['no live upstreams while connecting to upstream', 'connect', 'dns', 'no address known'],
  [
    'SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream',
    'connect',
    'tls',
    'tls wrong version number',
  ],
  [
    'SSL_do_handshake() failed (104: Connection reset by peer) while SSL handshaking to upstream',
    'connect',
    'tls',
    'tls ECONNRESET',
  ],
  [
    'upstream SSL certificate verify error: (10:certificate has expired) while SSL handshaking to upstream',
    'connect',
    'tls',
    'tls certificate has expired',
  ],
  [
    'upstream SSL certificate does not match "new.example" while SSL handshaking to upstream',
    'connect',
    'tls',
    'tls certificate is of another name',
  ],
  [
    'peer closed connection in SSL handshake while SSL handshaking to upstream',
    'connect',
    'tls',
    'tls connection closed',
  ],
  [
    'recv() failed (104: Connection reset by peer) while reading response header from upstream',
    'head',
    'reset',
    'ECONNRESET',
  ],
  ['writev() failed (32: Broken pipe) while sending request to upstream', 'head', 'reset', 'EPIPE'],
  [
    'upstream prematurely closed connection while reading response header from upstream',
    'head',
    'reset',
    'closed before an answer',
  ],
  [
    'upstream prematurely closed connection while reading upstream',
    'body',
    'truncated',
    'closed in the middle of an answer',
  ],
  ['readv() failed (104: Connection reset by peer) while reading upstream', 'body', 'truncated', 'ECONNRESET'],
  [
    'upstream sent invalid chunked response while reading upstream',
    'body',
    'truncated',
    'answer has invalid chunked response',
  ],
  [
    'upstream sent invalid chunked response while reading response header from upstream',
    'body',
    'truncated',
    'answer has invalid chunked response',
  ],
  [
    'upstream prematurely closed connection while sending to client',
    'body',
    'truncated',
    'closed in the middle of an answer',
  ],
  ['recv() failed (104: Connection reset by peer) while sending to client', 'body', 'truncated', 'ECONNRESET'],
  ['send() failed (104: Connection reset by peer) while sending to client', '', null, ''],
  [
    'upstream sent no valid HTTP/1.0 header while reading response header from upstream',
    'head',
    'invalid_response',
    'answer has no valid HTTP/1.0 header',
  ],
  [
    'upstream sent invalid header: "Foo, client: 1.2.3.4\\x00..." while reading response header from upstream',
    '',
    null,
    '',
  ],
  [
    'upstream sent invalid header: "Foo\\x00..." while reading response header from upstream',
    'head',
    'invalid_response',
    'answer has invalid header',
  ],
  [
    'upstream sent too big header while reading response header from upstream',
    'head',
    'invalid_response',
    'answer has too big header',
  ],
];

describe('lines of error.log', () => {
  for (const [message, stage, kind, cause] of ROWS) {
    it(`know: ${message}`, () => {
      const expected = stage === '' ? null : { connection: 37, stage, kind, cause, method: 'GET' };
      expect(parseUpstreamError(line(message))).to.deep.equal(expected);
    });
  }

  it('that tell of a shortage of our own blame no cluster', () => {
    for (const message of [
      'socket() failed (24: Too many open files) while connecting to upstream',
      '1024 worker_connections are not enough while connecting to upstream',
    ]) {
      expect(parseUpstreamError(line(message, 'alert'))).to.include({ kind: null });
    }
  });

  it('of clients that could not be taken are refusals', () => {
    const accept = '2026/11/21 15:19:57 [crit] 1#1: accept4() failed (24: Too many open files)';
    const full = '2026/11/21 15:19:57 [alert] 1#1: 512 worker_connections are not enough';
    expect([parseShortage(accept), parseShortage(full)]).to.deep.equal(['accept_failed', 'too_many_connections']);
    const forged = `[error] 1#1: *7 open() failed, client: ::1, referrer: "${accept} accept() failed (24: x) ${full}"`;
    expect(parseShortage(`2026/11/21 15:19:57 ${forged}`)).to.equal(null);
    const blameless =
      'upstream sent invalid header: "9 worker_connections are not enough" while reading response header';
    const told = parseUpstreamError(`2026/11/21 15:19:57 [error] 1#1: *7 ${blameless} from upstream, client: ::1`);
    expect(told?.kind).to.equal('invalid_response');
    expect(parseShortage(line('connect() failed (111: x) while connecting to upstream'))).to.equal(null);
  });

  it('of clients, tunnels and nginx itself are none', () => {
    for (const text of [
      '',
      '2026/11/21 15:19:57 [emerg] 1#1: bind() to 0.0.0.0:80 failed (98: Address already in use)',
      line('upstream timed out (110: Connection timed out) while proxying upgraded connection'),
      line('recv() failed (104: Connection reset by peer) while proxying upgraded connection'),
      line('client intended to send too large body: 99 bytes'),
    ]) {
      expect(parseUpstreamError(text)).to.equal(null);
    }
  });

  it('cannot be steered by what a client sends', () => {
    const request = '"GET /", upstream: "http://x/ while reading upstream, client: HTTP/1.1"';
    const text = `2026/11/21 15:19:57 [error] 1#1: *3 no live upstreams while connecting to upstream, client: ::1, server: , request: ${request}`;
    expect(parseUpstreamError(text)).to.include({ connection: 3, kind: 'dns', stage: 'connect' });
  });
});
