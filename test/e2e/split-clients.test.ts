/**
 * The hash and its shares against a real nginx: the same ids, the same shares, two implementations of `split_clients`.
 * Without nginx the suite is skipped by name; in CI that is a failure. @needs nginx
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import { utf8Bytes } from '../../src/allocator/bytes.ts';
import { hashId, keyedHash, probePrefix } from '../../src/allocator/keyed-hash.ts';
import { rangeThresholds, threshold } from '../../src/allocator/shares.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { tempDir } from '../support/temp-dir.ts';

const COHORT = 'api-name01';
const SHARES_BP = [1, 7, 1_000, 1_234, 2_000, 3_333, 5_000, 5_755, 9_999, 10_000];
const RANGES: readonly [number, number][] = [
  [0, 0],
  [0, 10],
  [11, 49],
  [37, 37],
  [50, 99],
];
const IDS = [
  ...Array.from({ length: 1_200 }, (_, i) => `user-${i}`),
  ...Array.from({ length: 400 }, (_, i) => `${'x'.repeat(i % 37)}${i * 7_919}`),
  ...Array.from({ length: 400 }, (_, i) => `Ünïcødé-用户-😀-${i}`),
];

const nginx = ['nginx', '/usr/sbin/nginx'].find((command) => spawnSync(command, ['-v']).status === 0);

describe('split_clients of a real nginx', function () {
  this.timeout(60_000);
  let server: ChildProcess | null = null;
  let port = 0;
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });

  before(async function () {
    if (nginx === undefined) {
      const reason = 'nginx is not installed (Debian: apt-get install nginx-light)';
      if (process.env.CI) throw new Error(reason);
      console.log(`      skipped: ${reason}`);
      this.skip();
    }
    port = await freePort();
    server = await startNginx(nginx, port);
  });

  after(async () => {
    agent.destroy();
    if (server === null || server.exitCode !== null) return;
    server.kill('SIGTERM');
    await once(server, 'exit');
  });

  it('puts every id on the side that we do, at every share and range', async () => {
    const decide = keyedHash('murmur2', `${COHORT}:`);
    const probe = keyedHash('murmur2', probePrefix(COHORT));
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < IDS.length) {
        const id = utf8Bytes(IDS[next++]);
        const hash = hashId(decide, id);
        const ours = [
          ...SHARES_BP.map((bp) => side(hash < threshold(bp))),
          ...SHARES_BP.map((bp) => side(hashId(probe, id) < threshold(bp))),
          ...RANGES.map(([from, to]) => {
            const { first, end } = rangeThresholds(from, to);
            return side(hash >= first && hash < end);
          }),
        ].join(' ');
        expect(await ask(port, id, agent), `id ${id}`).to.equal(ours);
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
  });
});

function side(isNew: boolean): string {
  return isNew ? 'new' : 'old';
}

/** All of it is `*`: nginx refuses a share of 0 and gives the highest hash to nobody at 100.00 %. */
function split(key: string, variable: string, bp: number): string {
  const rows = bp >= 10_000 ? '* new;' : bp <= 0 ? '* old;' : `${(bp / 100).toFixed(2)}% new; * old;`;
  return `split_clients "${key}" $${variable} { ${rows} }`;
}

function configuration(directory: string, port: number): string {
  const key = `${COHORT}:$http_x_id`;
  const blocks = [
    ...SHARES_BP.map((bp) => split(key, `share_${bp}`, bp)),
    ...SHARES_BP.map((bp) => split(`${probePrefix(COHORT)}$http_x_id`, `probe_${bp}`, bp)),
    // Two rows of one block are rounded down one by one and then summed; a range needs two blocks and a map.
    ...RANGES.flatMap(([from, to], i) => [
      split(key, `below_${i}`, from * 100),
      split(key, `up_to_${i}`, (to + 1) * 100),
      `map "$below_${i} $up_to_${i}" $range_${i} { "old new" new; default old; }`,
    ]),
  ];
  const answer = [
    ...SHARES_BP.map((bp) => `$share_${bp}`),
    ...SHARES_BP.map((bp) => `$probe_${bp}`),
    ...RANGES.map((_, i) => `$range_${i}`),
  ].join(' ');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(directory, name)};`,
  );
  return `daemon off; master_process off; pid ${join(directory, 'pid')}; error_log stderr warn;
events {}
http {
  access_log off; keepalive_requests 100000;
  ${temporary.join('\n  ')}
  ${blocks.join('\n  ')}
  server { listen 127.0.0.1:${port}; location / { return 200 "${answer}"; } }
}
`;
}

async function startNginx(command: string, port: number): Promise<ChildProcess> {
  const directory = tempDir();
  mkdirSync(join(directory, 'logs'));
  const file = join(directory, 'nginx.conf');
  writeFileSync(file, configuration(directory, port));
  const child = spawn(command, ['-e', 'stderr', '-p', directory, '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (text) => (log += text));
  await eventually('nginx answers', async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${log}`);
    return (await ask(port, 'ready')) !== '';
  });
  return child;
}

/** The answer's body for one id, sent byte by byte as it stands. */
function ask(port: number, id: string, agent = new Agent()): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, agent, headers: { 'X-Id': id } }, (response) => {
      let body = '';
      response.setEncoding('latin1');
      response.on('data', (text) => (body += text));
      response.on('end', () => resolve(body));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
