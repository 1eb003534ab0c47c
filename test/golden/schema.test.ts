/** The JSON Schema for editors: up to date, kind to every configuration that is right, and of help with one that is not. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import { parse } from 'yaml';
import { SCHEMA_FILE, schemaText } from '../../scripts/schema.ts';
import { formatConfigError } from '../../src/migration/errors.ts';
import { readSource } from '../../src/migration/parse.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'config');
const EXAMPLES = ['migration.yaml', 'migration-configmap.yaml'];

const accepts = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(JSON.parse(schemaText()) as object);

/** The configuration in a text that may be a manifest. */
function valuesOf(text: string): unknown {
  const values = parse(text) as { kind?: string; data?: Record<string, string> } | null;
  return values?.kind === 'ConfigMap' ? parse(values.data!['migration.yaml']) : values;
}

interface Form {
  readonly description?: unknown;
  readonly default?: unknown;
  readonly properties?: Record<string, Form>;
  readonly items?: Form;
}

/** Every key at any depth. */
function keysOf(form: Form): { key: string; form: Form }[] {
  const own = Object.entries(form.properties ?? {}).map(([key, value]) => ({ key, form: value }));
  const inner = [...Object.values(form.properties ?? {}), ...(form.items === undefined ? [] : [form.items])];
  return [...own, ...inner.flatMap(keysOf)];
}

describe('the JSON Schema', () => {
  it('in config/ is what scripts/schema.ts writes', () => {
    expect(readFileSync(SCHEMA_FILE, 'utf8')).to.equal(schemaText());
  });

  for (const file of EXAMPLES) {
    it(`accepts config/${file}, as the validator does`, () => {
      const text = readFileSync(join(CONFIG, file), 'utf8');
      expect(readSource({ file, text, kind: 'file' }).errors.map(formatConfigError)).to.deep.equal([]);
      expect(accepts(valuesOf(text)), JSON.stringify(accepts.errors)).to.equal(true);
    });
  }

  it('accepts whatever the validator accepts', () => {
    const directory = join(import.meta.dirname, 'config');
    let count = 0;
    for (const file of readdirSync(directory).filter((name) => name.endsWith('.golden'))) {
      const [text] = readFileSync(join(directory, file), 'utf8').split('\n----------\n');
      if (readSource({ file, text, kind: 'file' }).errors.length > 0 || file === 'global-empty.golden') continue;
      count++;
      expect(accepts(valuesOf(text)), `${file}: ${JSON.stringify(accepts.errors)}`).to.equal(true);
    }
    expect(count).to.be.greaterThan(10);
  });

  it('refuses typos, wrong types and values out of range', () => {
    const [example] = EXAMPLES.map((file) => readFileSync(join(CONFIG, file), 'utf8'));
    const slips: readonly [string, string][] = [
      ['percentage: 20', 'percentag: 20'],
      ['percentage: 20', 'percentage: 120'],
      ['percentage: 20', 'percentage: "20"'],
      ['strategy: "weight"', 'strategy: "wieght"'],
      ['retry_attempts: 3', 'retry_attempts: 2.5'],
      ['hash_range: "0-10"', 'hash_range: "0..10"'],
      ['target: "new_cluster"', 'target: "new"'],
      ['old_host:', 'old_hots:'],
      ['name: "api-name01"', 'name: "API"'],
      ['global:', 'globals:'],
    ];
    for (const [right, wrong] of slips) {
      expect(example).to.contain(right);
      expect(accepts(valuesOf(example.replace(right, wrong))), wrong).to.equal(false);
    }
  });

  it('describes every key', () => {
    const silent = keysOf(JSON.parse(schemaText()) as Form).filter(({ form }) => typeof form.description !== 'string');
    expect(silent).to.deep.equal([]);
  });
});

describe('docs/configuration.md', () => {
  const page = readFileSync(join(CONFIG, '..', 'docs', 'configuration.md'), 'utf8');

  it('names every key, with its default', () => {
    for (const { key, form } of keysOf(JSON.parse(schemaText()) as Form)) {
      expect(page, key).to.match(new RegExp(`[\`.]${key}[\`.]`));
      if (typeof form.default !== 'string' && typeof form.default !== 'number') continue;
      const inherits = new RegExp(`^\\| \`${key}\`.*\\| \`?(?:${form.default}|global\\.)`, 'm');
      const inWords = page.includes(`\`${form.default}\` (default)`);
      expect(inWords || inherits.test(page), `${key}: ${form.default}`).to.equal(true);
    }
  });

  it('gives examples that are right', () => {
    const blocks = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text);
    expect(blocks).not.to.deep.equal([]);
    for (const text of blocks) {
      expect(readSource({ file: 'docs', text, kind: 'file' }).errors.map(formatConfigError)).to.deep.equal([]);
    }
  });
});
