/**
 * Which service a request belongs to. In: compiled services; then a host, and a path that is asked for only where it
 * matters. Out: the service, or why there is none. A host with one service for all of it costs one look-up; only hosts
 * divided by path pay for looking at paths.
 */
import { utf8Bytes } from '../allocator/bytes.ts';
import type { CompiledService } from '../allocator/compile.ts';
import { isAmbiguousPath, isUnder } from './path.ts';

/** Whatever knows the path of a request: as sent; a query after it does no harm. */
export interface Pathed {
  path(): string;
}

interface DividedHost {
  /** Takes what no prefix takes. */
  whole: CompiledService | null;
  /** The longest first. */
  readonly byPrefix: { readonly prefix: string; readonly service: CompiledService }[];
}

export class HostIndex {
  readonly #whole = new Map<string, CompiledService>();
  readonly #divided = new Map<string, DividedHost>();

  /** Throws on two services with the same (old host, path prefix), which reading the sources must have settled. */
  constructor(services: readonly CompiledService[]) {
    for (const service of services) {
      const { pathPrefix, old } = service.migration;
      if (pathPrefix === null) {
        if (this.#whole.has(old.host)) throw new Error(`two services for all of ${old.host}`);
        this.#whole.set(old.host, service);
        continue;
      }
      const prefix = utf8Bytes(pathPrefix);
      const host = this.#divided.get(old.host) ?? { whole: null, byPrefix: [] };
      this.#divided.set(old.host, host);
      if (host.byPrefix.some((other) => other.prefix === prefix)) {
        throw new Error(`two services for ${old.host}${pathPrefix}`);
      }
      host.byPrefix.push({ prefix, service });
    }
    for (const [name, host] of this.#divided) {
      host.whole = this.#whole.get(name) ?? null;
      host.byPrefix.sort((x, y) => y.prefix.length - x.prefix.length);
      this.#whole.delete(name);
    }
  }

  /**
   * `host`: lower case, without port. `request` is asked for its path only on a host divided by path.
   * `bad_path`: on a host divided by path, one that could mean another service's path to a backend.
   */
  find(host: string, request: Pathed): CompiledService | 'no_such_host' | 'bad_path' {
    const service = this.#whole.get(host);
    if (service !== undefined) return service;
    const divided = this.#divided.get(host);
    return divided === undefined ? 'no_such_host' : findByPath(divided, request.path());
  }
}

function findByPath(host: DividedHost, target: string): CompiledService | 'no_such_host' | 'bad_path' {
  if (isAmbiguousPath(target)) return 'bad_path';
  const { byPrefix } = host;
  for (let i = 0; i < byPrefix.length; i++) {
    if (isUnder(target, byPrefix[i].prefix)) return byPrefix[i].service;
  }
  return host.whole ?? 'no_such_host';
}
