/**
 * A configuration as `run` would take it at a first start: each service that it would serve, and every error.
 */
import { dirname } from 'node:path';
import { readCaFiles } from '../controller/ca-reads.ts';
import { NOTHING_APPLIED } from '../migration/applied.ts';
import { applyReads } from '../migration/apply.ts';
import type { ConfigError } from '../migration/errors.ts';
import type { ServedMigration } from '../migration/model.ts';
import { readSource } from '../migration/parse.ts';
import { type ServicePlace, servicePlace } from '../migration/service-place.ts';

export interface Configuration {
  /** Sorted by name. */
  readonly services: readonly ServedMigration[];
  readonly errors: readonly ConfigError[];
  /** Where the text lists a service, or a key of it. */
  readonly placeOf: (service: string, key: string | null) => ServicePlace | null;
}

/** `file` is how errors name it, and where relative paths begin. */
export async function readConfiguration(file: string, text: string): Promise<Configuration> {
  const read = await readCaFiles(readSource({ file, text, kind: 'file' }), dirname(file));
  const { services, errors } = applyReads(NOTHING_APPLIED, [{ id: file, read }], [], Date.now());
  return { services, errors, placeOf: (service, key) => servicePlace(read, service, key) };
}
