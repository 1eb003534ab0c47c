/**
 * Where the measured proxies send requests: to one pair of backends, or, with many services, to each service's own. All lead to
 * the same nginx.
 */
import { loopback } from '../test/support/many-services.ts';

export interface Backends {
  readonly oldPort: number;
  readonly newPort: number;
  /** Null: plain HTTP. */
  readonly caFile: string | null;
}

/** `distinct`: each service has addresses of its own, so that no two share an upstream. */
export type Sharing = 'shared' | 'distinct';

/** Many services: how many, and the address of the backends of service `i`. */
export interface Spread {
  readonly hosts: number;
  readonly address: (i: number) => string;
}

export function spreadOver(hosts: number, sharing: Sharing): Spread {
  return { hosts, address: (i) => (sharing === 'distinct' ? loopback(i) : '127.0.0.1') };
}
