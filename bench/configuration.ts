/**
 * The configurations that our own proxy is measured with: backends in, YAML text out. `oneService` decides as the compared
 * proxies do; `manyOf` is many services, to see what their number costs a request.
 */
import { manyServices } from '../test/support/many-services.ts';
import type { Backends, Spread } from './backends.ts';

export function oneService({ oldPort, newPort, caFile }: Backends): string {
  const protocol = caFile === null ? 'http' : 'https';
  const tls = (side: string): string =>
    caFile === null ? '' : `    ${side}_tls: { ca_file: ${caFile}, server_name: bench.test }\n`;
  return `services:
  - name: bench
    old_host: bench.test
    old_backend: 127.0.0.1:${oldPort}
    old_protocol: ${protocol}
    new_host: bench.test
    new_backend: 127.0.0.1:${newPort}
    new_protocol: ${protocol}
${tls('old')}${tls('new')}    migration: { enabled: true, strategy: weight, percentage: 10 }
    canary:
      header_rules: [ { header: X-Canary, value: new, target: new_cluster }, { header: X-Canary, value: old, target: old_cluster } ]
      ip_rules:
        - { cidr: 10.0.0.0/8, target: new_cluster }
        - { cidr: 172.16.0.0/12, target: new_cluster }
        - { cidr: 192.168.0.0/16, target: old_cluster }
        - { cidr: 203.0.113.0/24, target: new_cluster }
      user_rules: [ { user_id_header: X-User-ID, hash_range: 0-9, target: new_cluster } ]
`;
}

/** Old speaks plain HTTP; new TLS where there is a CA, each service under a name of its own. */
export function manyOf({ hosts, address }: Spread, { oldPort, newPort, caFile }: Backends): string {
  const backends = (i: number) => ({ old: `${address(i)}:${oldPort}`, new: `${address(i)}:${newPort}` });
  return manyServices({ count: hosts, backends, ...(caFile === null ? {} : { caFile }) });
}
