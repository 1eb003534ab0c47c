/**
 * Texts that were written to cost: whoever may write one service's configuration must not be able to hold up the process that
 * carries everybody's traffic. Costs are CPU time with much room, so that a busy machine makes no test fail.
 */
import { expect } from 'chai';
import { fullOr } from '../../test/support/runs.ts';
import type { ReadResult } from './parse.ts';
import { readSource } from './parse.ts';

/** Half of what a ConfigMap may hold; every day a quarter. */
const SIZE = fullOr(512, 256) * 1024;
/** Each takes half a second on a slow machine and three times that on a busy one; up to 6 s before there was anything against them. */
const MOST_CPU_MS = 3_000;
/** Entries of the costly ones. */
const many = (full: number): number => fullOr(full, full / 2);

function service(i: number, more = ''): string {
  return `  - { name: s${i}, old_host: s${i}.test, old_backend: old:80, new_host: n.test, new_backend: new:80 ${more} }\n`;
}

function times(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join('');
}

function read(text: string): ReadResult {
  const before = process.cpuUsage();
  const result = readSource({ file: 'm.yaml', text, kind: 'file' });
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000, 'ms of CPU time').to.be.below(MOST_CPU_MS);
  return result;
}

describe('a configuration that was written to cost', () => {
  const useless: Readonly<Record<string, string>> = {
    'open brackets': `services: ${'['.repeat(SIZE)}`,
    'brackets that close': `services: ${'['.repeat(SIZE / 2)}${']'.repeat(SIZE / 2)}`,
    'open braces': `services: ${'{a: '.repeat(SIZE / 4)}`,
    'nested lists': '- '.repeat(SIZE / 2),
    'commas alone': `services: [${','.repeat(SIZE)}]`,
    'quotes alone': '"'.repeat(SIZE),
    'aliases alone': '*a '.repeat(SIZE / 3),
    'an ordered map with one key': `services: !!omap [${'{a: 1},'.repeat(SIZE / 7)}]`,
    'a set': `services: !!set {${'a,'.repeat(SIZE / 2)}}`,
    'aliases of aliases': `a: &a0 [x]\n${times(30, (i) => `a${i}: &a${i + 1} [${`*a${i},`.repeat(10)}]\n`)}services: *a30`,
    'very many services that are none': `services: [${'1,'.repeat(SIZE / 2)}]`,
  };
  for (const [what, text] of Object.entries(useless)) {
    it(`is refused soon: ${what}`, () => {
      const { whole, errors } = read(text);
      expect(whole, errors[0]?.message).not.to.equal(null);
      expect(errors).to.have.length.within(1, 10);
    });
  }

  const costly: Readonly<Record<string, string>> = {
    'one key again and again': `services:\n${service(1, `, migration: { ${'percentage: 1, '.repeat(many(30_000))} }`)}`,
    'unknown keys': `services:\n${service(
      1,
      times(many(30_000), (i) => `, k${i}: 1`),
    )}`,
    'unknown keys that resemble': `services:\n${service(
      1,
      times(many(25_000), (i) => `, old_hos${i}: 1`),
    )}`,
    'keys that are no text': `services:\n${service(
      1,
      times(many(30_000), (i) => `, ${i}: 1`),
    )}`,
    'bad values in one list': `services:\n${service(1, `, fallback: { failure_statuses: [${'1,'.repeat(many(50_000))}] }`)}`,
    'bad rules': `services:\n${service(1, `, canary: { ip_rules: [${'{cidr: x, target: y},'.repeat(many(20_000))}] }`)}`,
  };
  for (const [what, text] of Object.entries(costly)) {
    it(`harms no other service, and is told in few words: ${what}`, () => {
      const { whole, errors, services } = read(text + service(2));
      expect(whole).to.equal(null);
      expect(services.map(({ name, migration }) => [name, migration !== null])).to.deep.equal([
        ['s1', false],
        ['s2', true],
      ]);
      expect(errors).to.have.length.within(1, 101);
      if (errors.length === 101) expect(errors.at(-1)?.message).to.match(/^and \d+ more errors in this service$/);
    });
  }

  it('still says of each of many bad services that it is bad, up to a number', () => {
    const { errors } = read(`services:\n${times(4_000, (i) => service(i, ', timeout: x'))}`);
    expect(errors).to.have.length(2_001);
    expect(errors.at(-1)).to.include({ code: 'limit', message: 'and 2000 more errors in the services after this' });
  });

  it('says once that a key stands too often', () => {
    const { errors } = read(`services:\n${service(1, ', timeout: 1, timeout: 2, timeout: 3')}`);
    expect(errors.map(({ message }) => message)).to.deep.equal(['the key "timeout" stands twice here; keep one']);
  });

  it('reads what is outside of the services once for all of them', () => {
    const proxies = times(1_000, (i) => `10.${i >> 8}.${i & 255}.0/24, `);
    const { errors } = read(`global: { trusted_proxies: [${proxies}] }\nservices:\n${times(2_000, service)}`);
    expect(errors).to.deep.equal([]);
  });

  it('may hold as many brackets as it likes where they are text', () => {
    const { errors, services } = read(
      `# ${'['.repeat(5_000)}\nservices:\n${service(1, ', "cohort": [ "["')}`.replace(
        '"cohort": [ "["',
        'migration: {}',
      ),
    );
    expect({ errors, count: services.length }).to.deep.equal({ errors: [], count: 1 });
  });

  it('cannot pass a look-alike off as a host without being told so', () => {
    const [error] = read(`services:\n${service(1).replace('s1.test', '\u0455hop.test')}`).errors;
    expect(error.message).to.match(/^"\u0455hop\.test" has "\u0455" \(U\+0455\); .*xn--/);
  });

  it('cannot steer the terminal that its errors are printed on, nor hide in them', () => {
    const { errors } = read(
      `services:\n  - { name: a, "\\e[31m": 1, "\\u009b31m": 1, "\\u202eabc": 1, "\\u200b": 1, old_host: "\\u061cx", old_backend: "\\ufeffo:1", new_host: "a\\u00adb" }`,
    );
    const broken = read('services: "\\\u001b[31m\\\u009b"').errors;
    expect(errors).to.have.length.greaterThan(6);
    expect(broken).to.have.length.greaterThan(0);
    for (const { path, message } of [...errors, ...broken]) {
      expect(path + message).not.to.match(/[\p{Cc}\p{Zl}\p{Zp}]|(?!…)\p{Cf}/u);
    }
  });
});
