/**
 * The JSON Schema that editors check configurations with, from the very schemas that the validator reads with. In: `--check` or
 * `--write`. Out: `config/migration.schema.json`, or exit code 1 where the file there is not what it would be. What takes two keys to
 * judge, and finer grammars, only the validator knows: what it accepts the schema accepts, not the other way round.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { documentSchema } from '../src/migration/schema.ts';

export const SCHEMA_FILE = join(import.meta.dirname, '..', 'config', 'migration.schema.json');

/** Draft 7 is what the YAML language server reads best. */
export function schemaText(): string {
  const generated = z.toJSONSchema(documentSchema, { target: 'draft-7', io: 'input' }) as Record<string, unknown>;
  const { $schema, ...rest } = generated;
  const schema = { $schema, title: 'migration.yaml', ...rest };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function main(mode: string | undefined): number {
  const wanted = schemaText();
  if (mode === '--write') {
    writeFileSync(SCHEMA_FILE, wanted);
    return 0;
  }
  if (mode !== '--check') {
    process.stderr.write('usage: node scripts/schema.ts --check|--write\n');
    return 2;
  }
  if (currentText() === wanted) return 0;
  process.stderr.write('config/migration.schema.json is not up to date: run node scripts/schema.ts --write\n');
  return 1;
}

function currentText(): string | null {
  try {
    return readFileSync(SCHEMA_FILE, 'utf8');
  } catch {
    return null;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = main(process.argv[2]);
