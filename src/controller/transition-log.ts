/**
 * Steps of a fallback in the log: traffic that leaves new is for whoever looks tomorrow (`warn`), its way back is history (`info`).
 */
import type { FallbackView } from '../fallback/view.ts';
import type { RunStateName } from '../migration/run-state.ts';
import type { Log } from './log.ts';

export function logTransition(
  log: Log,
  service: string,
  from: RunStateName,
  to: RunStateName,
  view: FallbackView,
): void {
  const { hold, probeShare, reason, trips } = view;
  const fields = { service, from, to, reason, trips };
  if (hold !== null) {
    log.warn({ ...fields, by: hold.by }, `${service}: held on old by ${hold.by}${hold.reason && `: ${hold.reason}`}`);
  } else if (to === 'fallen_back') {
    log.warn(fields, `${service}: falls back to old: ${reason}`);
  } else if (to === 'probing') {
    const share = probeShare === 0 ? 'one request at a time' : `${probeShare} % of its share`;
    log.info({ ...fields, probe_share: probeShare }, `${service}: tries new again with ${share}`);
  } else {
    log.info(fields, `${service}: steady${reason === null ? '' : `: ${reason}`}`);
  }
}

export function logBothFailing(log: Log, service: string, { bothFailing, lastCheck, lastError }: FallbackView): void {
  if (!bothFailing) return log.info({ service }, `${service}: no longer failing on both clusters`);
  const why = lastError?.message ?? lastCheck?.error ?? null;
  log.error({ service, why }, `${service}: old and new both fail; there is nowhere to fall back to`);
}
