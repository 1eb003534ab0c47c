/**
 * What a person should know of an explained decision and might not guess: one sentence each. In: the explanation so far.
 * Out: the sentences. Decides nothing.
 */
import type { CompiledService } from './compile.ts';
import type { Explanation } from './explanation.ts';
import type { RequestFacts } from './facts.ts';
import { STICKY_COOKIE } from './sticky.ts';

export function explainNotes(
  service: CompiledService,
  facts: RequestFacts,
  explanation: Omit<Explanation, 'notes'>,
): string[] {
  if (explanation.reason === 'invalid') return ['the service was never valid: everything goes to old until it is'];
  if (explanation.reason === 'disabled') return ['migration.enabled is false: everything goes to old'];
  const notes: string[] = [];
  if (service.standing === 'stale') notes.push('the source is in error: this is the last good version of the service');
  notes.push(...fallbackNotes(explanation));
  if (service.ipRules !== null && asksForAddress(explanation) && facts.clientIp().text === '0.0.0.0') {
    notes.push('no client address was given: ip_rules were asked about 0.0.0.0');
  }
  if (explanation.reason !== 'fallback' && explanation.rule === null) {
    notes.push(...strategyNotes(service, facts, explanation));
  }
  return notes;
}

/** Header and cookie rules come first: where one of them decides, the address is never looked at. */
function asksForAddress({ rule, without_fallback: steady }: Omit<Explanation, 'notes'>): boolean {
  return !/^canary\.(header|cookie)_rules/.test(rule ?? steady?.rule ?? '');
}

function fallbackNotes(explanation: Omit<Explanation, 'notes'>): string[] {
  const { probe, without_fallback: steady, state } = explanation;
  const notes: string[] = [];
  if (state === 'fallen_back')
    notes.push('the service has fallen back: everything goes to old, whatever the rules say');
  if (probe?.admission === 'one') {
    notes.push('probing one request at a time: new only while the slot is free and the method may be sent again');
  } else if (probe) {
    notes.push(
      probe.hashed === null
        ? `probing: ${probe.admitted_percent} % of requests are admitted by their own ids, which this one does not have yet`
        : `probing: ${probe.admitted_percent} % of keys are admitted; this one's bucket is ${probe.bucket?.toFixed(2)}`,
    );
  }
  if (steady !== null) {
    const where = steady.cluster === null ? 'old or new by chance' : steady.cluster;
    notes.push(`while steady it would go to ${where} (${steady.rule ?? steady.reason})`);
  }
  return notes;
}

function strategyNotes(
  service: CompiledService,
  facts: RequestFacts,
  explanation: Omit<Explanation, 'notes'>,
): string[] {
  const { strategy, userIdHeader } = service.migration;
  const { percentage, key } = explanation;
  if (explanation.reason === 'default') return [`no rule matched: strategy ${strategy} sends it to old`];
  if (strategy === 'user' && facts.header(userIdHeader) === '') {
    return [`no user id (${userIdHeader}): strategy user sends it to old`];
  }
  if (key !== null && key.flips_at !== null) {
    return [
      `bucket ${key.bucket.toFixed(2)} is ${explanation.cluster === 'new' ? 'below' : 'not below'} ${percentage} %; ` +
        `new from ${key.flips_at} % on`,
    ];
  }
  if (service.sticky) {
    return [`no valid ${STICKY_COOKIE} cookie: the answer sets one, and ${percentage} % of such ids belong to new`];
  }
  if (explanation.drawn !== null) return [`unkeyed: drawn, ${percentage} % of requests go to new`];
  return [`unkeyed: ${percentage} % of requests go to new, so chance has no part in it`];
}
