/**
 * What docs/ say of the admin server is true: every example runs, every shown answer has the shape of a real one, every
 * metric is listed, and openapi.json describes exactly the endpoints that there are and the answers that they give.
 * @needs curl
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { endpointsOf } from '../../src/admin/app.ts';
import { METRIC_FAMILIES } from '../../src/admin/metric-families.ts';
import { type AdminServer, createAdminServer } from '../../src/admin/server.ts';
import { accessLine } from '../../src/status/access-log.ts';
import { PlainBackend } from '../support/admin-backend.ts';
import { ask } from '../support/raw-client.ts';
import { sampleRecord } from '../support/status-samples.ts';

const run = promisify(execFile);

interface Block {
  readonly info: string;
  readonly text: string;
}

function docs(name: string): string {
  return readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
}

function blocksOf(name: string): Block[] {
  return [...docs(name).matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(([, info, text]) => ({ info, text }));
}

/** Same keys and types all the way down; null stands for any type, an array's first element for all of them. */
function expectSameShape(shown: unknown, real: unknown, path: string): void {
  if (shown === null || real === null) return;
  if (Array.isArray(shown) && Array.isArray(real)) {
    if (shown.length > 0 && real.length > 0) expectSameShape(shown[0], real[0], `${path}[0]`);
    return;
  }
  expect(typeof real, path).to.equal(typeof shown);
  if (typeof shown !== 'object') return;
  expect(Object.keys(real as object), path).to.have.members(Object.keys(shown));
  for (const [key, value] of Object.entries(shown)) {
    expectSameShape(value, (real as Record<string, unknown>)[key], `${path}.${key}`);
  }
}

describe('docs of the admin server', () => {
  let server: AdminServer;
  let port: number;
  before(async () => {
    const listen = { host: '127.0.0.1', port: 0 };
    const backend = new PlainBackend();
    const seen_at = '2026-01-01T00:00:00.000Z';
    const unreachable = { name: 'pod-b', address: null, proof: null, isFresh: true };
    backend.known = [{ ...unreachable, config_hash: '3f9c', version: '0.1.0', seen_at, leader: true }];
    const token = 'a-token-of-the-docs';
    server = createAdminServer({ backend, version: '0.1.0', replica: 'pod-a', token, listen, onError: () => {} });
    ({ port } = await server.listen());
  });
  after(() => server.close());

  async function outputOf(script: string): Promise<{ code: number; stdout: string }> {
    const env = { PATH: process.env.PATH, TOKEN: 'a-token-of-the-docs' };
    const here = script.replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`);
    try {
      const { stdout } = await run('bash', ['-e', '-c', here], { env });
      return { code: 0, stdout };
    } catch (error) {
      const { code, stdout } = error as { code: number; stdout: string };
      return { code, stdout };
    }
  }

  for (const name of ['api.md', 'observability.md']) {
    const blocks = blocksOf(name);
    for (const [i, { info, text }] of blocks.entries()) {
      if (!info.startsWith('sh example')) continue;
      it(`${name}: ${text.split('\n')[0]}`, async () => {
        const { code, stdout } = await outputOf(text);
        expect(code === 0, stdout).to.equal(info === 'sh example');
        const next = blocks[i + 1];
        if (next?.info === 'json answer') expectSameShape(JSON.parse(next.text), JSON.parse(stdout), 'answer');
      });
    }
  }

  it('observability.md shows an access log line as it is', () => {
    const [{ text }] = blocksOf('observability.md').filter(({ info }) => info === 'json access-log-line');
    expectSameShape(JSON.parse(text), JSON.parse(accessLine(sampleRecord())), 'line');
  });

  it('observability.md has every metric with its type and labels, and no other', () => {
    const rows = [...docs('observability.md').matchAll(/^\| `(migration_proxy_\w+)` \| (\w+) \|/gm)];
    expect(rows.map(([, name, type]) => `${name} ${type}`)).to.deep.equal(
      METRIC_FAMILIES.map(({ name, type }) => `${name} ${type}`),
    );
  });

  it('api.md lists every endpoint', () => {
    const listed = [...docs('api.md').matchAll(/^\| `([A-Z]+ \S+)` \|/gm)].map(([, endpoint]) => endpoint);
    const real = endpoints().map(
      ({ method, path }) => `${method} ${path.replace('{name}', 'NAME').replace('{rest}', 'REST')}`,
    );
    expect(listed).to.have.members(real);
  });

  describe('openapi.json', () => {
    const openapi = JSON.parse(docs('openapi.json'));

    it('has exactly the endpoints that there are, in the same words', () => {
      const described = Object.entries<Record<string, { summary: string }>>(openapi.paths).flatMap(
        ([path, methods]) => {
          return Object.entries(methods).map(([method, { summary }]) => `${method.toUpperCase()} ${path}: ${summary}`);
        },
      );
      const real = endpoints().map(({ method, path, summary }) => `${method} ${path}: ${summary}`);
      expect(described).to.have.members(real);
    });

    it('describes the answers that really come', async () => {
      const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
      ajv.addSchema(openapi, 'openapi');
      const authorization = { Authorization: 'Bearer a-token-of-the-docs', 'Content-Type': 'application/json' };
      const answers = [
        { schema: 'Health', path: '/health' },
        { schema: 'Status', path: '/status' },
        { schema: 'Service', path: '/api/v1/services/shop' },
        { schema: 'Problem', path: '/api/v1/services/nobody' },
        { schema: 'Problem', path: '/api/v1/services/shop/abort', method: 'POST' },
        { schema: 'WriteAnswer', path: '/api/v1/services/shop', method: 'PATCH', body: '{"percentage":30}' },
        { schema: 'Replicas', path: '/api/v1/replicas' },
        { schema: 'History', path: '/api/v1/history' },
        { schema: 'Problem', path: '/api/v1/history?service=nobody' },
      ];
      for (const { schema, ...request } of answers) {
        const headers = schema === 'WriteAnswer' ? authorization : {};
        const json = JSON.parse((await ask(port, { ...request, headers })).body.toString());
        const validate = ajv.getSchema(`openapi#/components/schemas/${schema}`)!;
        expect(validate(json), `${schema} ${JSON.stringify(validate.errors)}`).to.equal(true);
        const { properties } = openapi.components.schemas[schema];
        if (properties === undefined) continue;
        // The backend here is no nginx plane, and in no cluster.
        const elsewhere = ['api_server', 'nginx', ...(schema === 'Status' ? ['replicas'] : [])];
        const names = Object.keys(properties).filter((name) => !elsewhere.includes(name));
        expect(Object.keys(json)).to.have.members(names);
      }
    });

    for (const [field, schema] of [
      ['nginx', 'Nginx'],
      ['api_server', 'ApiServer'],
    ]) {
      it(`describes what stands as ${field} in a status`, () => {
        const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
        ajv.addSchema(openapi, 'openapi');
        const validate = ajv.getSchema(`openapi#/components/schemas/${schema}`)!;
        const { text } = blocksOf('observability.md').find((block) => block.text.startsWith(`"${field}"`))!;
        const { [field]: shown } = JSON.parse(`{${text}}`);
        expect(validate(shown), JSON.stringify(validate.errors)).to.equal(true);
        expect(Object.keys(shown)).to.have.members(Object.keys(openapi.components.schemas[schema].properties));
      });
    }
  });
});

function endpoints() {
  return endpointsOf({
    backend: new PlainBackend(),
    version: '',
    replica: '',
    token: null,
    withoutToken: 'loopback',
    boundAddress: () => '',
    nowMs: () => 0,
    onError: () => {},
  });
}
