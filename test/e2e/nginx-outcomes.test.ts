/**
 * What is told of the same request to the same backends by the direct data plane and by reading a real nginx's logs: equal
 * outcomes, equal records. nginx runs a configuration of this test's own, with the log formats of the generated one.
 * @needs nginx
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { expect } from 'chai';
import type { Outcome } from '../../src/fallback/outcome.ts';
import { OutcomeReader } from '../../src/nginx/observe/outcome-reader.ts';
import type { RequestRecord } from '../../src/status/request-record.ts';
import { type Ending, writing } from '../conformance/origin-scripts.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { Direct, HOST } from '../support/direct.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { type Ask, RawClient, requestBytes } from '../support/raw-client.ts';
import { OK, Recorder, type Script } from '../support/recorder.ts';
import { sampleMigration } from '../support/status-samples.ts';
import { tempDir } from '../support/temp-dir.ts';

const nginx = ['nginx', '/usr/sbin/nginx'].find((command) => spawnSync(command, ['-v']).status === 0);
const TIMEOUT_MS = 400;
const TIMES = { timeoutMs: TIMEOUT_MS, connectTimeoutMs: TIMEOUT_MS };

interface Case {
  readonly what: string;
  readonly new?: Script | string;
  readonly old?: Script | string;
  /** New speaks TLS with these, and nginx and we ask it so. */
  readonly tls?: TlsOptions | 'plain';
  /** Nobody listens at new. */
  readonly newIsGone?: true;
  readonly request?: Ask;
  /** How many requests, one after the other on one connection; 1. */
  readonly requests?: number;
  /** The client goes when new has the request. */
  readonly leaves?: true;
  /** Where nginx has to differ. */
  readonly ofNginx?: Told;
}

interface Told {
  readonly outcomes: readonly string[];
  readonly records: readonly string[];
}

const HEAD = 'HTTP/1.1 200 OK\r\n';
const script = (bytes: string, ending: Ending): Script => writing(bytes, ending);

function cases(authority: CertificateAuthority): Case[] {
  return [
    { what: 'answers' },
    { what: 'answers 404', new: 'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n' },
    { what: 'answers 500', new: 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n' },
    { what: 'answers 503', new: 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n' },
    { what: 'answers 503, and so does old', new: answer503(), old: answer503() },
    { what: 'is gone', newIsGone: true },
    { what: 'is gone for a POST', newIsGone: true, request: { method: 'POST', body: 'x' } },
    { what: 'resets', new: script('', 'resets') },
    { what: 'resets a POST', new: script('', 'resets'), request: { method: 'POST', body: 'x' } },
    { what: 'closes', new: script('', 'closes') },
    { what: 'closes, and so does old', new: script('', 'closes'), old: script('', 'closes') },
    { what: 'closes in its head', new: script('HTTP/1.1 2', 'closes') },
    { what: 'is silent', new: script('', 'stays') },
    { what: 'sends a broken head', new: script(`${HEAD}Foo\x00bar: 1\r\n\r\n`, 'closes') },
    {
      what: 'speaks no HTTP',
      new: script('garbage garbage\r\n\r\n', 'closes'),
      // It passes such an answer on as HTTP/0.9, whatever it is told.
      ofNginx: { outcomes: ['new invalid_response 0'], records: ['502 for new weight: new invalid_response'] },
    },
    { what: 'cuts a chunked answer', new: script(`${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`, 'closes') },
    { what: 'cuts a long answer', new: script(`${HEAD}Content-Length: 100000\r\n\r\nhello`, 'closes') },
    { what: 'resets a long answer', new: script(`${HEAD}Content-Length: 100000\r\n\r\nhello`, 'resets') },
    { what: 'stalls in its answer', new: script(`${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`, 'stays') },
    { what: 'sends a broken chunk', new: script(`${HEAD}Transfer-Encoding: chunked\r\n\r\nZZ\r\nhello\r\n`, 'closes') },
    { what: 'has an expired certificate', tls: authority.expired('shop.new.example') },
    { what: 'has a certificate of another name', tls: authority.leaf('cart.example') },
    { what: 'has a good certificate', tls: authority.leaf('shop.new.example') },
    { what: 'speaks no TLS', tls: 'plain', new: script('HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n', 'closes') },
    {
      what: 'closes a kept connection',
      requests: 2,
      new: ({ index, socket }) => {
        if (index !== 1) return OK;
        socket.end();
        return null;
      },
    },
    { what: 'is left by the client', new: script('', 'stays'), leaves: true },
    {
      what: 'is left by the client in the middle of its answer',
      new: script(`${HEAD}Content-Length: 100000\r\n\r\nhello`, 'stays'),
      leaves: true,
    },
    {
      what: 'switches protocols',
      new: script('HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: toy\r\n\r\n', 'closes'),
      request: { headers: { Connection: 'upgrade', Upgrade: 'toy' } },
    },
    { what: 'is not asked: another host', request: { host: 'nobody.example' } },
  ];
}

function answer503(): string {
  return 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n';
}

describe('reading the logs of a real nginx tells what the direct data plane tells, where new', function () {
  this.timeout(60_000);
  const authority = nginx === undefined ? null : new CertificateAuthority();

  before(function () {
    if (nginx !== undefined) return;
    const reason = 'nginx is not installed (Debian: apt-get install nginx-light)';
    if (process.env.CI) throw new Error(reason);
    console.log(`      skipped: ${reason}`);
    this.skip();
  });

  if (authority === null) {
    it('is asked');
    return;
  }
  for (const row of cases(authority)) {
    it(row.what, async () => {
      const direct = await ofDirect(row, authority);
      const read = await ofNginx(row, authority);
      expect(read).to.deep.equal(row.ofNginx ?? direct);
      if (row.ofNginx !== undefined) expect(direct.outcomes[0]).to.equal(row.ofNginx.outcomes[0]);
    });
  }
});

describe('the logs of a real nginx with two workers', function () {
  this.timeout(60_000);

  before(function () {
    if (nginx === undefined) this.skip();
  });

  it('are rotated under load, and each request is told once, over a restart of the reader too', async () => {
    const [old, fresh] = [await Recorder.listen(OK), await Recorder.listen(OK)];
    const directory = tempDir();
    for (const name of ['log', 'run', 'temp']) mkdirSync(join(directory, name));
    const records: RequestRecord[] = [];
    let reopened = 0;
    const read = async (): Promise<OutcomeReader> => {
      const reader = new OutcomeReader({
        directory,
        observer: {
          attempt: () => {},
          request: (record) => records.push(record),
          refused: () => {},
          untrustedForwarder: () => {},
        },
        factsOf: () => sampleMigration(TIMES),
        now: () => performance.timeOrigin + performance.now(),
        reopen: () => {
          reopened++;
          child.kill('SIGUSR1');
        },
        onProblem: (message) => {
          throw new Error(message);
        },
        rotateBytes: 4_096,
      });
      await reader.start();
      return reader;
    };
    let reader = await read();
    const port = await freePort();
    const text = configuration(directory, port, old.port, fresh.port, 'http', '');
    const child = await startNginx(directory, port, text.replace('worker_processes 1', 'worker_processes 2'));
    try {
      let asked = 0;
      const load = async (): Promise<void> => {
        const client = await RawClient.connect(port);
        while (reopened < 3) {
          client.send(requestBytes({ host: HOST }));
          await client.response();
          asked++;
        }
        client.destroy();
      };
      const loads = Promise.all([load(), load(), load(), load()]);
      await eventually('rotated once', () => reopened > 0);
      await reader.stop();
      reader = await read();
      await loads;
      await eventually('all is told', () => records.length >= asked);
      child.kill('SIGQUIT');
      await once(child, 'exit');
      await reader.stop();
      expect(records).to.have.length(asked);
    } finally {
      child.kill('SIGKILL');
      await reader.stop();
      await Promise.all([old.close(), fresh.close()]);
    }
  });
});

function told(outcomes: readonly Outcome[], records: readonly RequestRecord[], refused: readonly string[]): Told {
  return {
    outcomes: outcomes.map(({ cluster, failure, status }) => `${cluster} ${failure ?? '-'} ${status}`),
    records: [
      ...records.map(({ status, answered, cluster, reason, attempts }) => {
        const notes = attempts.map((attempt) => `${attempt.cluster} ${attempt.failure ?? '-'}`).join(', ');
        return `${status} ${answered ? 'by' : 'for'} ${cluster} ${reason}: ${notes}`;
      }),
      ...refused,
    ],
  };
}

async function ofDirect(row: Case, { ca }: CertificateAuthority): Promise<Told> {
  const newTls = row.tls === undefined || row.tls === 'plain' ? null : row.tls;
  const direct = await Direct.start({ old: row.old ?? OK, new: row.new ?? OK, newTls, migration: TIMES });
  try {
    const base = direct.migration(TIMES);
    const protocol = row.tls === undefined ? 'http' : 'https';
    direct.apply({ ...base, new: { ...base.new, protocol, tls: { ...base.new.tls, ca } } });
    if (row.newIsGone) await direct.new.close();
    await play(row, direct.port, direct.new);
    const { outcomes, records, refused } = direct;
    await eventually('told', () => records.length + refused.length >= (row.requests ?? 1));
    return told(outcomes, records, refused);
  } finally {
    await direct.stop().catch(() => {});
  }
}

async function ofNginx(row: Case, authority: CertificateAuthority): Promise<Told> {
  const newTls = row.tls === undefined || row.tls === 'plain' ? null : row.tls;
  const old = await Recorder.listen(row.old ?? OK);
  const fresh = await Recorder.listen(row.new ?? OK, { tls: newTls });
  if (row.newIsGone) await fresh.close();
  const directory = tempDir();
  for (const name of ['log', 'run', 'temp']) mkdirSync(join(directory, name));
  const outcomes: Outcome[] = [];
  const records: RequestRecord[] = [];
  const refused: string[] = [];
  const problems: string[] = [];
  const reader = new OutcomeReader({
    directory,
    observer: {
      attempt: (outcome) => outcomes.push(outcome),
      request: (record) => records.push(record),
      refused: (code) => refused.push(code),
      untrustedForwarder: () => {},
    },
    factsOf: () => sampleMigration(TIMES),
    now: () => performance.timeOrigin + performance.now(),
    reopen: () => {},
    onProblem: (message) => problems.push(message),
  });
  await reader.start();
  const port = await freePort();
  const protocol = row.tls === undefined ? 'http' : 'https';
  const text = configuration(directory, port, old.port, fresh.port, protocol, authority.caFile);
  const child = await startNginx(directory, port, text);
  try {
    const begun = Date.now();
    await play(row, port, fresh);
    await eventually('told', () => records.length + refused.length >= (row.requests ?? 1));
    for (const { startedMs, endedMs } of outcomes) {
      expect(startedMs).to.be.within(begun - 100, endedMs);
      expect(endedMs).to.be.at.most(Date.now() + 100);
    }
    expect(problems).to.deep.equal([]);
    return told(outcomes, records, refused);
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    await reader.stop();
    await Promise.all([old.close(), row.newIsGone ? null : fresh.close()]);
  }
}

async function play(row: Case, port: number, fresh: Recorder): Promise<void> {
  const client = await RawClient.connect(port);
  try {
    for (let i = 0; i < (row.requests ?? 1); i++) {
      client.send(requestBytes({ host: HOST, ...row.request }));
      if (row.leaves) {
        await eventually('new has it', () => fresh.requests.length > 0);
        // Where an answer has begun, some of it is here.
        if (row.what.includes('middle')) await client.queue.peek(12, 5_000);
        return client.destroy();
      }
      // Whole, or cut off: what the client sees is a matter of other tests.
      await client.response({ withinMs: 5_000 }).catch(() => {});
    }
  } finally {
    client.destroy();
  }
}

function configuration(
  directory: string,
  port: number,
  oldPort: number,
  newPort: number,
  protocol: 'http' | 'https',
  caFile: string,
): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(directory, 'temp', name)};`,
  );
  const brief = ['msec', 'connection', 'service', 'decision', 'status', 'request_time'];
  const more = [
    ...['lane', 'gate', 'trail', 'request_completion', 'upstream_addr', 'upstream_status', 'upstream_connect_time'],
    ...['upstream_header_time', 'upstream_response_time', 'upstream_bytes_sent', 'upstream_bytes_received'],
    ...['request_method', 'request_id', 'vain_peer'],
  ];
  const log = join(directory, 'log', 'outcome.log');
  return `daemon off; worker_processes 1; pid ${join(directory, 'run', 'pid')};
error_log ${join(directory, 'log', 'error.log')} error;
${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http {
  ${temporary.join('\n  ')}
  log_format outcome escape=none '${brief.map((name) => `$${name}`).join('\t')}$details';
  map $host $service { ${HOST} shop; }
  map $service $decision { shop new:weight; }
  map $http_upgrade $lane { default tunnel; "" new; }
  map "" $gate { default ""; }
  map "" $vain_peer { default ""; }
  map "$request_completion:$status:$upstream_addr:$lane" $details {
    default "${more.map((name) => `\\t$${name}`).join('')}";
    "~^OK:[1-4]\\d\\d:[^ ]+:new$" "";
  }
  map "$request_method:$upstream_bytes_sent" $after_new { volatile; default rescue; "~^POST:[1-9]" failed; }
  access_log ${log} outcome buffer=64k flush=50ms;
  recursive_error_pages on; proxy_buffering off; keepalive_requests 1000000;
  proxy_http_version 1.1; proxy_set_header Connection $http_connection; proxy_set_header Upgrade $http_upgrade;
  proxy_connect_timeout ${TIMEOUT_MS}ms; proxy_read_timeout ${TIMEOUT_MS}ms;
  proxy_next_upstream error; proxy_next_upstream_tries 1;
  proxy_ssl_server_name on; proxy_ssl_name shop.new.example;
  ${caFile === '' ? 'proxy_ssl_verify off;' : `proxy_ssl_verify on; proxy_ssl_trusted_certificate ${caFile};`}
  upstream old { server 127.0.0.1:${oldPort} max_fails=0; keepalive 8; }
  upstream new { server 127.0.0.1:${newPort} max_fails=0; keepalive 8; }
  server { listen 127.0.0.1:${port} default_server; set $trail ""; location / { return 404; } }
  server {
    listen 127.0.0.1:${port}; server_name ${HOST};
    set $trail "";
    location / {
      proxy_pass ${protocol}://new;
      proxy_intercept_errors on;
      error_page 502 503 504 = @$after_new;
    }
    location @rescue { set $trail "\${trail}o"; proxy_pass http://old; error_page 502 504 @failed; }
    location @failed { return 502 "{}"; }
  }
}
`;
}

async function startNginx(directory: string, port: number, text: string): Promise<ChildProcess> {
  const file = join(directory, 'nginx.conf');
  writeFileSync(file, text);
  const args = ['-e', join(directory, 'log', 'error.log'), '-p', directory, '-c', file];
  const child = spawn(nginx as string, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr?.on('data', (chunk) => (log += chunk));
  await eventually('nginx listens', async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${log}`);
    (await RawClient.connect(port)).destroy();
    return true;
  });
  return child;
}
