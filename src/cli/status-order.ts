/**
 * How bad things stand: the order in which a person wants to read the services of a status, and whether all is well. Pure.
 */
import type { ServiceReport, StatusReport } from '../status/report.ts';

export type Condition =
  | 'both_failing'
  | 'fallen_back'
  | 'held'
  | 'invalid'
  | 'stale'
  | 'probing'
  | 'disabled'
  | 'steady';

/** Worst first. */
const CONDITIONS: readonly Condition[] = [
  'both_failing',
  'fallen_back',
  'held',
  'invalid',
  'stale',
  'probing',
  'steady',
  'disabled',
];

/** The worst that is true of a service. */
export function conditionOf(service: ServiceReport): Condition {
  if (service.both_failing) return 'both_failing';
  if (service.hold !== null) return 'held';
  if (service.state === 'fallen_back') return 'fallen_back';
  if (service.invalid) return 'invalid';
  if (service.stale) return 'stale';
  if (service.state === 'probing') return 'probing';
  return service.enabled ? 'steady' : 'disabled';
}

/** Worst first; among equals those that lose more, then by name. */
export function worstFirst(services: readonly ServiceReport[]): ServiceReport[] {
  const rank = (service: ServiceReport) => CONDITIONS.indexOf(conditionOf(service));
  const loss = (service: ServiceReport) => Math.max(service.new.error_rate ?? 0, service.old.error_rate ?? 0);
  return services.toSorted(
    (x, y) => rank(x) - rank(y) || loss(y) - loss(x) || (x.name < y.name ? -1 : x.name > y.name ? 1 : 0),
  );
}

/** What keeps nginx from serving what is wanted; null: nothing, or there is no nginx. */
export function nginxTrouble({ generation, nginx }: StatusReport): string | null {
  if (nginx === undefined) return null;
  if (!nginx.up) return 'nginx is down and is started again';
  if (nginx.last_reload?.ok !== false) return null;
  return `nginx serves generation ${nginx.running_generation}, not ${generation}: ${nginx.last_reload.error}`;
}

/**
 * False when a service is fallen back, held, stale or in error, when the configuration has an error, when not ready, or when
 * nginx is down or does not take the configuration.
 */
export function isHealthy(status: StatusReport): boolean {
  return (
    status.ready &&
    status.config.errors.length === 0 &&
    nginxTrouble(status) === null &&
    status.services.every(
      (service) =>
        service.hold === null &&
        service.state !== 'fallen_back' &&
        !service.both_failing &&
        !service.stale &&
        !service.invalid,
    )
  );
}
