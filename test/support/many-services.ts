/**
 * Configurations of thousands of services: how many and where they lead comes in, YAML text comes out. Service `i` is
 * `svc-i`, asked as `svc-i.old.example`; percentages repeat after twenty, so that the number of distinct ones stays small, and those of the
 * first ten are on the average what those of all are.
 */
export interface ManyServices {
  readonly count: number;
  /** HOST:PORT of service `i`'s clusters. */
  readonly backends: (i: number) => { readonly old: string; readonly new: string };
  /** With it new is asked by TLS, under the name `svc-i.new.example`, and is verified with this CA alone. */
  readonly caFile?: string;
  /** What differs from the usual percentages. */
  readonly percentages?: Readonly<Record<number, number>>;
}

const DISTINCT_PERCENTAGES = 20;
/** Has no divisor in common with it. */
const STRIDE = 11;

export function manyServices({ count, backends, caFile, percentages = {} }: ManyServices): string {
  let text = 'services:\n';
  for (let i = 0; i < count; i++) {
    const { old, new: fresh } = backends(i);
    const percentage = percentages[i] ?? ((i * STRIDE) % DISTINCT_PERCENTAGES) + 1;
    text +=
      `  - name: svc-${i}\n    old_host: ${oldHost(i)}\n    old_backend: ${old}\n` +
      `    new_host: svc-${i}.new.example\n    new_backend: ${fresh}\n` +
      (caFile === undefined ? '' : `    new_protocol: https\n    new_tls: { ca_file: ${caFile} }\n`) +
      `    migration: { enabled: true, strategy: weight, percentage: ${percentage} }\n` +
      '    canary:\n      header_rules: [ { header: X-T, value: new, target: new_cluster } ]\n';
  }
  return text;
}

export function oldHost(i: number): string {
  return `svc-${i}.old.example`;
}

/** A loopback address for each number up to 65 535: 127.1.0.0 and up, all of which lead to whoever listens on any address. */
export function loopback(i: number): string {
  return `127.1.${i >> 8}.${i & 255}`;
}
