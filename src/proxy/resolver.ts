/**
 * Addresses of backend names, looked up again and again: DNS is how clusters move pods. One look-up at a time for a name,
 * answers served while they are refreshed behind the request, the last good addresses kept when a look-up fails.
 * Uses getaddrinfo, so /etc/hosts and the pod's search domains hold.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

export type Lookup = (host: string) => Promise<readonly string[]>;

export const systemLookup: Lookup = async (host) => {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return found.map((entry) => entry.address);
};

interface Entry {
  addresses: readonly string[];
  /** When it may be asked again. */
  freshUntilMs: number;
  /** What went wrong last, while there are no addresses. */
  error: string | null;
  pending: Promise<void> | null;
}

export interface ResolverOptions {
  readonly now: () => number;
  readonly lookup: Lookup;
  /** How long an answer is used before it is refreshed. */
  readonly refreshMs: number;
  /** How long a failure is remembered, so that a dead name does not fill the look-up threads. */
  readonly failureMs: number;
}

export class Resolver {
  readonly #options: ResolverOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /** Addresses known now; null when the caller has to wait for `resolve`. Starts a refresh when they are old. */
  known(host: string): readonly string[] | null {
    const entry = this.#entry(host);
    if (entry.freshUntilMs <= this.#options.now() && entry.pending === null) this.#refresh(host, entry);
    return entry.addresses.length > 0 ? entry.addresses : null;
  }

  /** Waits for the first answer. Rejects with the look-up's own error text when the name has no address. */
  async resolve(host: string): Promise<readonly string[]> {
    const known = this.known(host);
    if (known !== null) return known;
    const entry = this.#entry(host);
    if (entry.pending !== null) await entry.pending;
    if (entry.addresses.length === 0) throw new Error(entry.error ?? `${host} has no address`);
    return entry.addresses;
  }

  /** Forgets names that nobody uses any more. */
  retain(hosts: ReadonlySet<string>): void {
    for (const host of this.#entries.keys()) if (!hosts.has(host)) this.#entries.delete(host);
  }

  #entry(host: string): Entry {
    let entry = this.#entries.get(host);
    if (entry === undefined) {
      const literal = isIP(host) !== 0;
      entry = { addresses: literal ? [host] : [], freshUntilMs: literal ? Infinity : 0, error: null, pending: null };
      this.#entries.set(host, entry);
    }
    return entry;
  }

  #refresh(host: string, entry: Entry): void {
    entry.pending = this.#options
      .lookup(host)
      .then(
        (addresses) => {
          if (addresses.length > 0) entry.addresses = addresses;
          entry.error = addresses.length > 0 ? null : `${host} has no address`;
          entry.freshUntilMs = this.#options.now() + this.#options.refreshMs;
        },
        (error: NodeJS.ErrnoException) => {
          entry.error = `${error.code ?? error.message} ${host}`;
          entry.freshUntilMs = this.#options.now() + this.#options.failureMs;
        },
      )
      .finally(() => {
        entry.pending = null;
      });
  }
}
