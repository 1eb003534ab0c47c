import { expect } from 'chai';
import fc from 'fast-check';
import { runsOf } from '../../test/support/runs.ts';
import { formatConfigError } from './errors.ts';
import { readSource } from './parse.ts';

const SERVICE = 'name: a, old_host: a.example, old_backend: "old:80", new_host: a.new, new_backend: "new:443"';
const GOOD = `services:\n  - { ${SERVICE} }\n`;

function read(text: string, kind: 'file' | 'configmap' = 'file') {
  return readSource({ file: 'm.yaml', text, kind });
}

function lines(text: string, kind: 'file' | 'configmap' = 'file'): string[] {
  return read(text, kind).errors.map(formatConfigError);
}

describe('reading a source', () => {
  it('applies every default', () => {
    const [service] = read(GOOD).services;
    expect(service.migration).to.deep.equal({
      name: 'a',
      enabled: true,
      pathPrefix: null,
      old: {
        host: 'a.example',
        address: 'old',
        port: 80,
        protocol: 'http',
        tls: { ca: null, caFile: null, serverName: null, insecureSkipVerify: false },
      },
      new: {
        host: 'a.new',
        address: 'new',
        port: 443,
        protocol: 'https',
        tls: { ca: null, caFile: null, serverName: null, insecureSkipVerify: false },
      },
      strategy: 'weight',
      shareBp: 0,
      cohort: 'a',
      userIdHeader: 'x-user-id',
      sticky: false,
      hash: 'murmur2',
      headerRules: [],
      cookieRules: [],
      ipRules: [],
      userRules: [],
      fallback: {
        enabled: true,
        maxFailures: 5,
        failureWindowMs: 60_000,
        recoveryTimeMs: 300_000,
        maxFailureRate: 0.5,
        minRequests: 20,
        failureStatuses: [502, 503, 504],
      },
      retryAttempts: 3,
      timeoutMs: 30_000,
      connectTimeoutMs: 5_000,
      streamIdleTimeoutMs: 3_600_000,
      healthCheckIntervalMs: 30_000,
      healthCheckPath: null,
      trustedProxies: [],
      exposeDecision: false,
    });
    expect(Object.isFrozen(service.migration?.fallback.failureStatuses)).to.equal(true);
  });

  it('reads CRLF, a byte order mark and JSON like anything else', () => {
    expect(lines(GOOD.replaceAll('\n', '\r\n'))).to.deep.equal([]);
    expect(lines(`\ufeff${GOOD}`)).to.deep.equal([]);
    expect(lines(JSON.stringify({ services: [] }))).to.deep.equal([]);
  });

  it('points at the same place in texts with CRLF, and leaves a byte order mark out of columns', () => {
    const typo = 'services:\n  - name: a\n    timout: 3s\n';
    const [expected] = lines(typo).filter((line) => line.includes('timout'));
    expect(expected).to.match(/^m\.yaml:3:5: services\[0\]\.timout: /);
    expect(lines(typo.replaceAll('\n', '\r\n'))).to.include(expected);
    expect(lines('\ufeff{ srvices: [] }')[0]).to.match(/^m\.yaml:1:3: /);
  });

  it('knows only the booleans of YAML 1.2, whatever a directive says', () => {
    const text = `%YAML 1.1\n---\nservices:\n  - { ${SERVICE}, migration: { enabled: yes } }\n`;
    expect(lines(text)[0]).to.contain('not the text "yes"');
  });

  it('leaves other services as they are when one is wrong', () => {
    const { services, whole } = read(`${GOOD}  - { name: b, old_host: b.example, old_backend: "old:80" }\n`);
    expect(whole).to.equal(null);
    expect(services[0].migration).not.to.equal(null);
    expect(services[1].migration).to.equal(null);
    expect(services[1].oldOnly).to.deep.include({ name: 'b', enabled: false });
    expect(services[1].oldOnly?.new).to.deep.equal(services[1].oldOnly?.old);
  });

  it('takes no service by an error in what all of them share', () => {
    const { services } = read(`global: { default_timeout: soon, retry_attempts: 1 }\n${GOOD}`);
    expect(services[0].migration).to.equal(null);
    expect(services[0].oldOnly).to.deep.include({ name: 'a', timeoutMs: 30_000, retryAttempts: 3 });
  });

  it('keeps what reads well of a service for old alone', () => {
    const { services } = read(`services:\n  - { ${SERVICE}, timeout: 7s, connect_timeout: x, path_prefix: /a/ }\n`);
    expect(services[0].oldOnly).to.deep.include({ pathPrefix: '/a', timeoutMs: 7_000, connectTimeoutMs: 5_000 });
  });

  it('does not guess where old is', () => {
    for (const wrong of ['old_host: x y', 'old_backend: x', 'old_protocol: ftp', 'path_prefix: a', 'old_tls: 1']) {
      const key = wrong.slice(0, wrong.indexOf(':'));
      const others = SERVICE.split(', ').filter((pair) => !pair.startsWith(key));
      const { services } = read(`services:\n  - { ${others.join(', ')}, ${wrong} }\n`);
      expect(services[0], wrong).to.deep.include({ migration: null, oldOnly: null });
    }
  });

  it('counts lines inside the text of a ConfigMap that comes from the API', () => {
    expect(lines('\nservices:\n- name: A', 'configmap').at(-1)).to.match(/^m\.yaml:3:9: /);
    expect(read('kind: ConfigMap\ndata: { migration.yaml: "services: []" }', 'configmap').whole?.code).to.equal(
      'unknown_key',
    );
  });

  it('counts the lines of a manifest in the manifest, wherever an error is in its block', () => {
    const inner = `global:\n  retry_attempts: x\n\nservices:\n  - { ${SERVICE} }\n  - { ${SERVICE}, qqq: 1 }\n`;
    const place = (line: string) => /:(\d+):(\d+):/.exec(line)!.slice(1).map(Number);
    const alone = lines(inner).map(place);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom('\n', '\r\n'),
        fc.constantFrom('|', '|-', '|+ # text'),
        fc.integer({ min: 0, max: 3 }),
        (indent, end, header, before) => {
          const head = ['kind: ConfigMap', ...Array(before).fill('# c'), 'data:', ` migration.yaml: ${header}`];
          const body = inner.split('\n').map((line) => (line === '' ? '' : ' '.repeat(indent + 1) + line));
          const manifest = [...head, ...body].join(end);
          const expected = alone.map(([line, column]) => [line + head.length, column + indent + 1]);
          expect(lines(manifest).map(place)).to.deep.equal(expected);
        },
      ),
    );
  });

  it('says of a text that is no configuration that nothing of it counts', () => {
    const codes = ['', '# c', 'a: [', 'words', '- a', 'services:', 'services: {}', 'global: {}', '['.repeat(2_000)];
    expect(codes.map((text) => read(text).whole?.code)).to.deep.equal([
      'empty',
      'empty',
      'syntax',
      'wrong_type',
      'wrong_type',
      'wrong_type',
      'wrong_type',
      'missing_key',
      'syntax',
    ]);
    expect(read('services: []')).to.deep.include({ whole: null, services: [], errors: [] });
  });

  it('keeps control characters of values out of messages', () => {
    const [line] = lines('services:\n  - { name: "\\e[2J\\n\\u202e" }');
    expect(line).to.match(/^[\x20-\x7e…]*$/);
  });

  it('never throws, and places every error inside the text', () => {
    const words = fc.constantFrom(
      ...[
        'services:',
        'global:',
        'name: a',
        '- ',
        '  ',
        '\n',
        '\r\n',
        '\t',
        '{',
        '}',
        '[',
        ']',
        ', ',
        ': ',
        '&a ',
        '*a',
      ],
      ...[
        '? ',
        '| ',
        '>-\n',
        '!!str ',
        '"',
        "'",
        '#',
        '---\n',
        '...\n',
        '%YAML 1.1\n',
        '__proto__: ',
        'null',
        '1',
        'é',
      ],
      ...['kind: ConfigMap\n', 'data:\n', '  migration.yaml: |\n    ', 'percentage: 20', '\u0000', '\ufeff', '<<: '],
    );
    const soup = fc
      .array(fc.oneof(words, fc.string({ maxLength: 4 })), { maxLength: 30 })
      .map((parts) => parts.join(''));
    const mutated = fc
      .tuple(fc.constantFrom(GOOD, `global: { retry_attempts: 1 }\n${GOOD}`), fc.nat(), fc.nat(8), words)
      .map(([text, at, length, word]) => {
        const start = at % text.length;
        return text.slice(0, start) + word + text.slice(start + length);
      });
    fc.assert(
      fc.property(fc.oneof(soup, mutated), fc.constantFrom('file' as const, 'configmap' as const), (text, kind) => {
        const { errors, whole, services } = read(text, kind);
        const count = text.split('\n').length;
        for (const error of errors) {
          expect(error.line).to.be.within(1, count);
          expect(error.column).to.be.greaterThan(0);
        }
        if (whole !== null) expect(services).to.deep.equal([]);
        if (errors.length === 0) expect(services.every((service) => service.migration !== null)).to.equal(true);
      }),
      { numRuns: runsOf(3000) },
    );
  });
});
