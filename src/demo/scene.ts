/**
 * What the demo shows, as text: its configuration, what to try next, and the live line. Ports and counts in, text out.
 */
import type { ServiceReport } from '../status/report.ts';
import type { LoadCounts } from './load.ts';

export const SERVICE = 'shop';
export const HOST = 'shop.demo';

/** One hundred users whose hashes happen to lie evenly: at 20 % twenty of them are on new, at 50 % forty-eight. */
export const USERS: readonly string[] = Array.from({ length: 100 }, (_, index) => `user-${index + 11}`);

/** Windows are short, so that everything can be watched: a trip within seconds, a recovery within half a minute. */
export function configuration(oldBackend: string, newBackend: string): string {
  return `# The demo's configuration. An edit is live for the next request.
global:
  default_timeout: 1s
  connect_timeout: 1s
  retry_attempts: 2
  health_check_interval: 1s
services:
  - name: ${SERVICE}
    old_host: ${HOST}
    old_backend: ${oldBackend}
    new_host: shop.new.demo
    new_backend: ${newBackend}
    migration:
      enabled: true
      strategy: user # the same users stay on new while the percentage rises
      percentage: 20
    canary:
      header_rules:
        - { header: X-Migration-Target, value: new, target: new_cluster }
    fallback: { enabled: true, max_failures: 3, failure_window: 10, recovery_time: 5 }
`;
}

export interface Places {
  readonly traffic: string;
  readonly admin: string;
  readonly switches: string;
  readonly file: string;
  readonly log: string;
  /** What follows the command where its default address is not the demo's, else ''. */
  readonly adminFlag: string;
}

export function guide({ traffic, admin, switches, file, log, adminFlag }: Places): string {
  const command = (words: string): string => `  npx migration-proxy ${words}${adminFlag}`;
  return `An old and a new cluster, ${USERS.length} users, and the proxy in between.

  traffic        ${traffic}  (Host: ${HOST})
  admin          ${admin}/status
  configuration  ${file}
  proxy's log    ${log}

Try, in a second terminal:

${command('status --watch')}
${command(`update ${SERVICE} 50 --reason "new looks good"`)}
  curl -X POST '${switches}/new/break?how=refuse'    # or silent, 503, slow, reset, truncate
  curl -X POST ${switches}/new/heal
${command(`explain ${SERVICE} --user ${USERS[6]}`)}
${command(`abort ${SERVICE} --reason "hold everything on old"`)}
${command(`resume ${SERVICE}`)}
  curl -H 'Host: ${HOST}' -H 'X-Migration-Target: new' ${traffic}/

Ctrl-C ends it all.
`;
}

/** The live line: what happened between two counts. */
export function liveLine(before: LoadCounts, now: LoadCounts, seconds: number, state: string): string {
  const [old, fresh] = [now.old - before.old, now.new - before.new];
  const share = (part: number): string => `${Math.round((100 * part) / Math.max(1, old + fresh))} %`.padStart(5);
  const rate = `${((old + fresh) / seconds).toFixed(0)} req/s`.padStart(9);
  const failure = now.failed > before.failed ? ` (${now.lastFailure})` : '';
  return `${rate}   old ${share(old)}   new ${share(fresh)}   failed ${now.failed}${failure}   ${state}`;
}

/** How a service is, at the end of the live line; null where nobody answered. */
export function stateWords(service: Pick<ServiceReport, 'state' | 'hold' | 'retry_at'> | null, nowMs: number): string {
  if (service === null) return 'state unknown';
  if (service.hold !== null) return `state ${service.state}, held until resume`;
  if (service.retry_at === null) return `state ${service.state}`;
  const seconds = Math.ceil((Date.parse(service.retry_at) - nowMs) / 1000);
  const when = seconds > 0 ? `in ${seconds} s` : 'when its check passes';
  return `state ${service.state}, tries new again ${when}`;
}

/** What happened when the state changed. */
export function transitionLine({ state, state_reason }: Pick<ServiceReport, 'state' | 'state_reason'>): string {
  const reason = state_reason?.startsWith(`${state}: `) ? state_reason.slice(state.length + 2) : state_reason;
  return reason === null ? `state ${state}` : `state ${state}: ${reason}`;
}
