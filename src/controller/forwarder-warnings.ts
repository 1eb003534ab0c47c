/**
 * Proxies in front of us that nobody has declared as trusted: nearly always a forgotten `trusted_proxies`. In: who sent
 * X-Forwarded-* without being trusted. Out: warnings for `/status`, until the configuration trusts them or no longer serves
 * the service. Bounded: what clients send cannot make it grow.
 */
import { compileCidrs } from '../allocator/cidr.ts';
import { parseIp } from '../allocator/ip.ts';
import type { Migration, ServedMigration } from '../migration/model.ts';

export interface ForwarderWarning {
  readonly code: 'untrusted_forwarder';
  readonly service: string;
  readonly message: string;
}

const MOST = 100;

export class ForwarderWarnings {
  readonly #seen = new Map<string, { readonly service: string; readonly address: string }>();

  /** The warning to log; null when this address is known already, or there are too many. */
  add(service: string, address: string): string | null {
    const key = `${service} ${address}`;
    if (this.#seen.has(key) || this.#seen.size >= MOST) return null;
    this.#seen.set(key, { service, address });
    return messageFor(address);
  }

  /** These services are served from now on. */
  apply(services: readonly ServedMigration[]): void {
    if (this.#seen.size === 0) return;
    const migrations = new Map(services.map(({ migration }) => [migration.name, migration]));
    for (const [key, { service, address }] of this.#seen) {
      const migration = migrations.get(service);
      if (migration === undefined || trusts(migration, address)) this.#seen.delete(key);
    }
  }

  list(): readonly ForwarderWarning[] {
    return [...this.#seen.values()].map(({ service, address }) => {
      return { code: 'untrusted_forwarder', service, message: messageFor(address) };
    });
  }
}

function trusts(migration: Migration, address: string): boolean {
  const ip = parseIp(address);
  return ip !== null && compileCidrs(migration.trustedProxies).firstMatch(ip) >= 0;
}

function messageFor(address: string): string {
  const cidr = `${address}/${address.includes(':') ? 128 : 32}`;
  return `${address} sends X-Forwarded-For but is not trusted, so every client looks like ${address}; if it is your ingress, add "${cidr}" (or its network) to global.trusted_proxies`;
}
