/**
 * A configuration in the words that were in use before this project, its hosts and backends on loopback: ports and what is to
 * be different in; YAML out. Windows are minutes, as people write them: tests that wait replace them.
 */
export const SEED_HOST = 'api-name01.teamname.dev.example';
export const SEED_NEW_HOST = 'api-name01.kong.dev.example';
export const SEED_SERVICE = 'api-name01';

export interface SeedChanges {
  readonly strategy?: string;
  readonly percentage?: number;
  /** Lines of `global`, instead of the seed's timeouts. */
  readonly global?: string;
  /** The whole value of `canary`, in flow style. */
  readonly canary?: string;
  /** The whole value of `fallback`, in flow style. */
  readonly fallback?: string;
}

const GLOBAL = `  default_timeout: 30s
  retry_attempts: 3
  health_check_interval: 30s`;

const CANARY = `
      header_rules: [ { header: "X-Migration-Target", value: "new", target: "new_cluster" } ]
      ip_rules:     [ { cidr: "10.0.0.0/8", target: "new_cluster" } ]
      user_rules:   [ { user_id_header: "X-User-ID", hash_range: "0-10", target: "new_cluster" } ]`;

/** `old` and `new`: host:port of the two clusters. */
export function seedYaml(clusters: { readonly old: string; readonly new: string }, changes: SeedChanges = {}): string {
  const { strategy = 'weight', percentage = 20, global = GLOBAL, canary = CANARY } = changes;
  const { fallback = '{ enabled: true, max_failures: 5, failure_window: 60, recovery_time: 300 }' } = changes;
  return `global:
${global}
services:
  - name: "${SEED_SERVICE}"
    old_host: "${SEED_HOST}"
    old_backend: "${clusters.old}"
    old_protocol: http
    new_host: "${SEED_NEW_HOST}"
    new_backend: "${clusters.new}"
    new_protocol: http
    migration: { enabled: true, strategy: "${strategy}", percentage: ${percentage} }
    canary: ${canary}
    fallback: ${fallback}
`;
}
