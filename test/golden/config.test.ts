/**
 * Golden files of the configuration: input, a line of ten dashes, and what is read from it: the errors, then each service, with the
 * values that differ from the defaults. `UPDATE_GOLDEN=1` writes what is read now; look at the difference before you keep it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import { NOTHING_APPLIED } from '../../src/migration/applied.ts';
import { applyReads } from '../../src/migration/apply.ts';
import { formatConfigError } from '../../src/migration/errors.ts';
import type { Migration, ServedMigration } from '../../src/migration/model.ts';
import { readSource } from '../../src/migration/parse.ts';

const DIRECTORY = join(import.meta.dirname, 'config');
const SEPARATOR = '\n----------\n';

const PLAIN = `
services:
  - { name: plain, old_host: plain.example, old_backend: old:80, new_host: plain.new, new_backend: new:80 }
`;
const [plain] = readSource({ file: 'plain', text: PLAIN, kind: 'file' }).services;
const DEFAULTS = plain.migration as Migration;

function readText(text: string): string {
  const read = readSource({ file: 'migration.yaml', text, kind: 'file' });
  const { errors, services } = applyReads(NOTHING_APPLIED, [{ id: 'golden', read }], [], 0);
  const served = Object.fromEntries(services.map((service) => [service.migration.name, told(service)]));
  return `${errors.map((error) => `${formatConfigError(error)}\n`).join('')}${JSON.stringify(served, null, 2)}\n`;
}

function told({ migration, standing }: ServedMigration): unknown {
  if (standing !== 'valid') return { standing, host: migration.old.host, backend: address(migration, 'old') };
  const { name, old: _old, new: _new, cohort, ...rest } = migration;
  const differing = Object.entries(rest).filter(
    ([key, value]) => !isDeepStrictEqual(value, DEFAULTS[key as keyof Migration]),
  );
  const tls = (['old', 'new'] as const).filter((side) => !isDeepStrictEqual(migration[side].tls, DEFAULTS.old.tls));
  return {
    old: `${migration.old.host} at ${address(migration, 'old')}`,
    new: `${migration.new.host} at ${address(migration, 'new')}`,
    ...(cohort === name ? {} : { cohort }),
    ...Object.fromEntries(differing),
    ...Object.fromEntries(tls.map((side) => [`${side}_tls`, migration[side].tls])),
  };
}

function address(migration: Migration, side: 'old' | 'new'): string {
  const target = migration[side];
  return `${target.protocol}://${target.address.includes(':') ? `[${target.address}]` : target.address}:${target.port}`;
}

describe('configuration, golden files', () => {
  for (const file of readdirSync(DIRECTORY)
    .filter((name) => name.endsWith('.golden'))
    .sort()) {
    it(file.replace('.golden', ''), () => {
      const path = join(DIRECTORY, file);
      const [input, expected] = readFileSync(path, 'utf8').split(SEPARATOR);
      const actual = readText(input);
      if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, `${input}${SEPARATOR}${actual}`);
      else expect(actual).to.equal(expected);
    });
  }
});
