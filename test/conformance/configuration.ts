/**
 * A case's services, written in the words of the configuration file and read as one: what a case leaves out is that of an
 * ordinary service, all of whose traffic goes to new. `{old}` and `{new}` in a text stand for the backends' ports.
 */
import { NOTHING_APPLIED } from '../../src/migration/applied.ts';
import { applyReads } from '../../src/migration/apply.ts';
import { formatConfigError } from '../../src/migration/errors.ts';
import type { ServedMigration } from '../../src/migration/model.ts';
import { readSource } from '../../src/migration/parse.ts';

/** Keys of the file, one level; `migration` and `fallback` are laid over those of the ordinary service. */
export type ServiceText = Readonly<Record<string, unknown>>;

export interface Configuration {
  readonly global?: ServiceText;
  /** Laid over one ordinary service. */
  readonly service?: ServiceText;
  /** Several services, each laid over an ordinary one. */
  readonly services?: readonly ServiceText[];
  /** How many errors the text has; 0 where a case does not say. */
  readonly errors?: number;
}

export const HOST = 'shop.example';
export const NEW_HOST = 'shop.new.example';

const ORDINARY = {
  name: 'shop',
  old_host: HOST,
  old_backend: '127.0.0.1:{old}',
  new_host: NEW_HOST,
  new_backend: '127.0.0.1:{new}',
  new_protocol: 'http',
  migration: { enabled: true, percentage: 100 },
};
const TIME_LIMITS = ['default_timeout', 'connect_timeout'] as const;
const GLOBAL = { default_timeout: '2s', connect_timeout: '1s', expose_decision: true };

/** Throws, with the errors, where the text has more or fewer than it should. Time limits of the text are `longer` times as long. */
export function servicesOf(
  { global = {}, service = {}, services = [service], errors = 0 }: Configuration,
  ports: { readonly old: number; readonly new: number },
  longer = 1,
): readonly ServedMigration[] {
  const document = { global: prolonged({ ...GLOBAL, ...global }, longer), services: services.map(overOrdinary) };
  const text = JSON.stringify(document).replaceAll('{old}', String(ports.old)).replaceAll('{new}', String(ports.new));
  const read = readSource({ file: 'case.yaml', text, kind: 'file' });
  const applied = applyReads(NOTHING_APPLIED, [{ id: 'case', read }], [], 0);
  if (applied.errors.length !== errors) throw new Error(applied.errors.map(formatConfigError).join('\n'));
  return applied.services;
}

function prolonged(global: ServiceText, longer: number): ServiceText {
  const times = (limit: unknown): string => String(limit).replace(/^\d+/, (count) => String(Number(count) * longer));
  return { ...global, ...Object.fromEntries(TIME_LIMITS.map((name) => [name, times(global[name])])) };
}

function overOrdinary(service: ServiceText): ServiceText {
  const migration = { ...ORDINARY.migration, ...(service.migration as object | undefined) };
  return { ...ORDINARY, ...service, migration };
}
