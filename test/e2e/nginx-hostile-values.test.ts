/**
 * Values that were written to break out of an nginx configuration, in a real nginx: it takes the text, knows nothing of what they
 * would have said, and a rule matches its value on the wire and nothing beside it. @needs nginx
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent, createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { expect } from 'chai';
import fc from 'fast-check';
import type { ServedMigration } from '../../src/migration/model.ts';
import { readSource } from '../../src/migration/parse.ts';
import { readTemplates } from '../../src/nginx/templates.ts';
import { renderNginx } from '../../src/nginx/text/render.ts';
import type { NginxSettings } from '../../src/nginx/text/settings.ts';
import { eventually } from '../support/eventually.ts';
import { documentWith, FIELDS, type HostileField, hostileText, MARKER } from '../support/hostile-fields.ts';
import { nginxBinary } from '../support/nginx-binary.ts';
import { nginxFileVerdict } from '../support/nginx-echo.ts';
import { sampleSettings } from '../support/nginx-settings.ts';
import { freePort } from '../support/ports.ts';
import { tempDir } from '../support/temp-dir.ts';

const SEED = 20_261_121;
const MOST_RULES = 32;
const templates = readTemplates();

interface Written {
  readonly directory: string;
  readonly text: string;
}

describe('hostile values in a real nginx', function () {
  this.timeout(90_000);

  before(function () {
    if (spawnSync(nginxBinary(), ['-v']).status === 0) return;
    const reason = 'nginx is not installed (Debian: apt-get install nginx-light)';
    if (process.env.CI) throw new Error(reason);
    console.log(`      skipped: ${reason}`);
    this.skip();
  });

  for (const { name, right, put } of FIELDS) {
    it(`are taken, and obeyed in nothing: ${name}`, async () => {
      const port = await freePort();
      const document = documentWith();
      const samples = fc.sample(hostileText(right), { numRuns: 100, seed: SEED });
      const taken = samples.filter((text) => isValid(put, text));
      for (const text of [right, ...taken.filter((text) => /[^\w-]/.test(text))].slice(0, 4)) {
        put(document, text);
        const written = write(servicesOf(document)!, port);
        const { ok, words } = nginxFileVerdict(written.text, written.directory);
        expect(words).not.to.include(MARKER);
        expect({ ok, text }, words).to.deep.equal({ ok: true, text });
      }
    });
  }

  describe('as rules', () => {
    const backends: Server[] = [];
    let nginx: ChildProcess | null = null;
    let port = 0;
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const values = hostileValues();

    before(async () => {
      const ports: number[] = [];
      for (const name of ['old', 'new']) {
        const server = createServer((_, response) => response.end(name));
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        ports.push((server.address() as AddressInfo).port);
        backends.push(server);
      }
      port = await freePort();
      const started = await start(write(servicesOf(ruleDocument(values, ports))!, port), port, agent);
      nginx = started;
    });

    after(async () => {
      agent.destroy();
      for (const server of backends) server.close();
      if (nginx === null || nginx.exitCode !== null) return;
      nginx.kill('SIGTERM');
      await once(nginx, 'exit');
    });

    it('match exactly their value in a header', async () => {
      for (const [i, value] of values.entries()) {
        expect(await cluster('exact.test', { [`X-H${i}`]: value }), value).to.equal('new');
        for (const other of others(value)) {
          expect(await cluster('exact.test', { [`X-H${i}`]: other }), `${value} is not ${other}`).to.equal('old');
        }
      }
    });

    it('match a header that begins with their value', async () => {
      for (const [i, value] of values.entries()) {
        expect(await cluster('prefix.test', { [`X-H${i}`]: `${value}more` }), value).to.equal('new');
        expect(await cluster('prefix.test', { [`X-H${i}`]: `x${value}` }), value).to.equal('old');
      }
    });

    it('match exactly their value in a cookie', async () => {
      for (const [i, value] of cookieValues(values).entries()) {
        expect(await cluster('cookie.test', { Cookie: `a=b; c${i}=${value}; z=1` }), value).to.equal('new');
        for (const other of others(value)) {
          expect(await cluster('cookie.test', { Cookie: `c${i}=${other}` }), `${value} is not ${other}`).to.equal(
            'old',
          );
        }
      }
    });

    function cluster(host: string, headers: Record<string, string>): Promise<string> {
      const sent = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString('latin1')]);
      return ask(port, agent, { Host: host, ...Object.fromEntries(sent) });
    }
  });
});

/** As many as a service may have, one of each kind of danger first. */
function hostileValues(): string[] {
  const first = [
    '"; zz_marker on; #',
    '$host',
    `\${x}`,
    '\\n',
    'default',
    '~^.*$',
    '\\',
    "'",
    '{{x}}',
    'a\\',
    '.*',
    'é用😀',
    '*',
  ];
  const sampled = fc.sample(hostileText('Value'), { numRuns: 600, seed: SEED });
  const { put } = FIELDS.find(({ name }) => name === 'header value (exact)')!;
  const fits = (text: string): boolean => isValid(put, text);
  return [...new Set([...first, ...sampled.filter((text) => fits(text) && /[^\w-]/.test(text))])].slice(0, MOST_RULES);
}

function cookieValues(values: readonly string[]): string[] {
  return values.map((value) => value.replaceAll(';', '|'));
}

/** Values that are nearly the same; none that a field value's trimming makes the same. */
function others(value: string): string[] {
  const turned = value.replace(/[a-z]/i, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
  return [`${value}x`, `x${value}`, 'x', turned].filter((other) => other !== value);
}

function ruleDocument(values: readonly string[], [oldPort, newPort]: readonly number[]): unknown {
  const service = (name: string, canary: unknown) => ({
    name,
    old_host: `${name}.test`,
    old_backend: `127.0.0.1:${oldPort}`,
    new_host: `${name}.new.test`,
    new_backend: `127.0.0.1:${newPort}`,
    migration: { strategy: 'header' },
    canary,
  });
  const target = 'new_cluster';
  const headers = (match: string) => values.map((value, i) => ({ header: `X-H${i}`, value, match, target }));
  const cookies = cookieValues(values).map((value, i) => ({ cookie: `c${i}`, value, target }));
  return {
    services: [
      service('exact', { header_rules: headers('exact') }),
      service('prefix', { header_rules: headers('prefix') }),
      service('cookie', { cookie_rules: cookies }),
    ],
  };
}

function isValid(put: HostileField['put'], text: string): boolean {
  const document = documentWith();
  put(document, text);
  return servicesOf(document) !== null;
}

/** Null: the validator refuses it. */
function servicesOf(document: unknown): ServedMigration[] | null {
  const { errors, services } = readSource({ file: 'm.yaml', text: JSON.stringify(document), kind: 'file' });
  if (errors.length > 0) return null;
  return services.map(({ migration }) => ({ migration: migration!, standing: 'valid' }));
}

/** The text for these services and all files around it, in a directory of their own. */
function write(services: readonly ServedMigration[], port: number): Written {
  const directory = tempDir();
  for (const name of ['log', 'run', 'temp', 'flags', 'tls']) mkdirSync(join(directory, name));
  // One certificate: each lane with TLS reads the file, and that of the system takes 10 ms.
  writeFileSync(join(directory, 'ca.pem'), rootCertificates[0]);
  // Names of hosts are no matter here, and nobody is asked for addresses.
  const addresses = (host: string): string[] => [/^[\d.]+$|:/.test(host) ? host : '127.0.0.1'];
  const { text, files, refused } = renderNginx(
    { services, addresses, settings: settingsFor(directory, port) },
    templates,
  );
  expect(refused).to.deep.equal([]);
  for (const [path, content] of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  return { directory, text };
}

function settingsFor(directory: string, port: number): NginxSettings {
  return sampleSettings({
    listen: { host: '127.0.0.1', port },
    directory,
    user: process.getuid?.() === 0 ? 'root' : null,
    caBundle: join(directory, 'ca.pem'),
    limits: { sendTimeoutMs: 30_000, maxConnections: 256 },
  });
}

async function start({ directory, text }: Written, port: number, agent: Agent): Promise<ChildProcess> {
  const file = join(directory, 'nginx.conf');
  writeFileSync(file, text);
  const args = ['-e', join(directory, 'log', 'start.log'), '-p', directory, '-c', file];
  const child = spawn(nginxBinary(), args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes) => (said += bytes));
  await eventually('nginx answers', async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${said}`);
    return (await ask(port, agent, { Host: 'exact.test' })) === 'old';
  });
  return child;
}

/** The body. */
function ask(port: number, agent: Agent, headers: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, agent, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text) => (body += text));
      response.on('end', () => resolve(body));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
