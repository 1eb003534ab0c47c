/**
 * Steps of a fallback in words, and in the log: traffic that leaves new is for whoever looks tomorrow (`warn`), its way back is
 * history (`info`).
 */
import type { FallbackView } from '../fallback/view.ts';
import type { RunStateName } from '../migration/run-state.ts';
import type { Log } from './log.ts';

/** One line for people: `shop: falls back to old: 5 failures in a row in 2.1 s: connect refused`. */
export function transitionText(service: string, to: RunStateName, { hold, probeShare, reason }: FallbackView): string {
  if (hold !== null) return `${service}: held on old by ${hold.by}${hold.reason && `: ${hold.reason}`}`;
  if (to === 'fallen_back') return `${service}: falls back to old: ${reason}`;
  if (to === 'steady') return `${service}: steady${reason === null ? '' : `: ${reason}`}`;
  const share = probeShare === 0 ? 'one request at a time' : `${probeShare} % of its share`;
  return `${service}: tries new again with ${share}`;
}

export function logTransition(
  log: Log,
  service: string,
  from: RunStateName,
  to: RunStateName,
  view: FallbackView,
): void {
  const { hold, probeShare, reason, trips } = view;
  const fields = { service, from, to, reason, trips };
  const text = transitionText(service, to, view);
  if (hold !== null) log.warn({ ...fields, by: hold.by }, text);
  else if (to === 'fallen_back') log.warn(fields, text);
  else if (to === 'probing') log.info({ ...fields, probe_share: probeShare }, text);
  else log.info(fields, text);
}

export function logBothFailing(log: Log, service: string, { bothFailing, lastCheck, lastError }: FallbackView): void {
  if (!bothFailing) return log.info({ service }, `${service}: no longer failing on both clusters`);
  const why = lastError?.message ?? lastCheck?.error ?? null;
  log.error({ service, why }, `${service}: old and new both fail; there is nowhere to fall back to`);
}
