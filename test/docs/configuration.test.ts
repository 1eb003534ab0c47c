/**
 * What docs/configuration.md prints as errors is what `validate` prints, its codes are those that there are, and its values are read
 * as it says. (That it names every key with its default, and that its examples are right, test/golden/schema.test.ts sees to.)
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readSource } from '../../src/migration/parse.ts';
import { runCli } from '../support/cli.ts';
import { tempDir } from '../support/temp-dir.ts';
import { blocksOf, codesIn, pageText, rowsOf, sectionOf } from './page.ts';

const PAGE = pageText('docs/configuration.md');

function errorsOf(text: string): readonly string[] {
  return readSource({ file: 'm.yaml', text, kind: 'file' }).errors.map(({ message }) => message);
}

function serviceWith(line: string): string {
  const base = { name: 'a', old_host: 'a.old', old_backend: 'a:80', new_host: 'a.new', new_backend: 'b:80' };
  const key = line.slice(0, line.indexOf(':'));
  const lines = Object.entries(base).filter(([name]) => name !== key);
  return `services:\n  - ${[...lines.map(([name, value]) => `${name}: ${value}`), line].join('\n    ')}\n`;
}

describe('docs/configuration.md', () => {
  it('shows errors as they are printed', async () => {
    const [{ text: faulty }] = blocksOf(PAGE).filter(({ info }) => info === 'yaml with-errors');
    const [{ text: shown }] = blocksOf(PAGE).filter(({ text }) => text.startsWith('$ migration-proxy validate'));
    const cwd = tempDir();
    writeFileSync(join(cwd, 'migration.yaml'), faulty);
    const { code, stdout } = await runCli(['validate', 'migration.yaml'], { cwd });
    expect(`$ migration-proxy validate migration.yaml\n${stdout}`).to.equal(shown);
    expect(code).to.equal(1);
  });

  it('lists every code of an error, and no other', () => {
    const [, union] = /type ConfigErrorCode =([\s\S]*?);/.exec(pageText('src/migration/errors.ts'))!;
    const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
    const listed = rowsOf(sectionOf(PAGE, 'Errors')).flatMap(([first]) => codesIn(first));
    expect(listed).to.have.members(codes);
  });

  it('gives examples of values that are read', () => {
    const at: Readonly<Record<string, (value: string) => string>> = {
      duration: (value) => serviceWith(`timeout: ${value}`),
      percentage: (value) => serviceWith(`migration: { percentage: ${value} }`),
      host: (value) => serviceWith(`old_host: ${value}`),
      backend: (value) => serviceWith(`old_backend: "${value}"`),
      CIDR: (value) => serviceWith(`canary: { ip_rules: [ { cidr: "${value}", target: new_cluster } ] }`),
      'yes or no': (value) => serviceWith(`migration: { enabled: ${value} }`),
    };
    const rows = rowsOf(sectionOf(PAGE, 'Values'));
    expect(rows.map(([kind]) => kind)).to.have.members(Object.keys(at));
    for (const [kind, , examples] of rows) {
      for (const example of codesIn(examples)) expect(errorsOf(at[kind](example)), example).to.deep.equal([]);
    }
    expect(errorsOf(serviceWith('migration: { enabled: yes }'))).to.have.length(1);
  });

  it('says how many rules a service may have', () => {
    const rules: Readonly<Record<string, string>> = {
      header_rules: '{ header: X-A, value: b, target: new_cluster }',
      cookie_rules: '{ cookie: a, value: b, target: new_cluster }',
      ip_rules: '{ cidr: 10.0.0.0/8, target: new_cluster }',
      user_rules: '{ user_id_header: X-U, hash_range: 0-1, target: new_cluster }',
    };
    const rows = rowsOf(sectionOf(PAGE, '`canary`'));
    expect(rows.flatMap(([list]) => codesIn(list))).to.have.members(Object.keys(rules));
    for (const [list, keys, most] of rows) {
      const [name] = codesIn(list);
      const service = (count: number) => serviceWith(`canary: { ${name}: [ ${`${rules[name]}, `.repeat(count)}] }`);
      for (const key of codesIn(keys).filter((one) => one !== 'match')) expect(rules[name]).to.include(`${key}:`);
      expect(errorsOf(service(Number(most))), name).to.deep.equal([]);
      expect(errorsOf(service(Number(most) + 1)), name).to.have.length(1);
    }
  });
});
