/**
 * Where a text lists a service, for what is found out about it after it was read. In: a text as it was read, the service's name, the
 * key that is to blame. Out: line, column and path; of a key whose place was not kept, the line at which the service begins.
 */
import type { Place } from './line-index.ts';
import type { ReadResult, ReadService } from './parse.ts';

export interface ServicePlace extends Place {
  /** `services[2].canary.header_rules[0].value`. */
  readonly path: string;
}

/** One name is asked for after the other. */
const byName = new WeakMap<ReadResult, ReadonlyMap<string, ReadService>>();

/** `key`: below the service, as its path is written; null: the service as a whole. Null: the text does not list it. */
export function servicePlace(read: ReadResult, name: string, key: string | null): ServicePlace | null {
  const service = servicesOf(read).get(name);
  if (service === undefined) return null;
  const { index, line, column } = service;
  const places: Readonly<Record<string, Place>> = service.places;
  const place = (key === null ? null : places[key]) ?? { line, column };
  return { line: place.line, column: place.column, path: `services[${index}]${key === null ? '' : `.${key}`}` };
}

/** Of two with one name the first is served. */
function servicesOf(read: ReadResult): ReadonlyMap<string, ReadService> {
  let services = byName.get(read);
  if (services === undefined) {
    services = new Map(read.services.flatMap((one) => (one.name === null ? [] : [[one.name, one] as const])).reverse());
    byName.set(read, services);
  }
  return services;
}
