/**
 * Which cluster a request goes to. In: a compiled service, its run state, what may be asked of the request, and a draw for
 * requests without a key. Out: one of the service's ready-made decisions; the first that applies, in a fixed order.
 * On the path of every request: no allocation. Explaining asks the same functions.
 */
import type { RunState } from '../migration/run-state.ts';
import type { CompiledService } from './compile.ts';
import type { Decision } from './decision.ts';
import type { RequestFacts } from './facts.ts';
import { hashId } from './keyed-hash.ts';
import { matches } from './match.ts';
import { threshold } from './shares.ts';
import type { Draw } from './spread.ts';

/**
 * Never throws for a request. Under admission `one` the slot is not taken here: whoever gets the decision takes it where the
 * cluster is new.
 */
export function decide(service: CompiledService, run: RunState, facts: RequestFacts, draw: Draw): Decision {
  if (service.fixed !== null) return service.fixed;
  if (run.state !== 'steady' && !isAdmitted(service, run, facts)) return service.fallback;
  return decideByRule(service, facts) ?? decideByStrategy(service, facts, draw);
}

/** Fallen back: nobody. Probing: who may take the slot, or whose key's hash is below the admitted share. */
export function isAdmitted(service: CompiledService, run: RunState, facts: RequestFacts): boolean {
  if (run.state === 'fallen_back') return false;
  if (run.admission === 'one') return facts.mayProbe(run.methods);
  const key = probeKey(service, facts);
  return key !== '' && hashId(service.probeHash, key) < threshold(run.admitBp);
}

/** What keeps a request on its side while the admitted share grows: user id, sticky id, or the request's own id. */
export function probeKey(service: CompiledService, facts: RequestFacts): string {
  const headers = service.probeHeaders;
  for (let i = 0; i < headers.length; i++) {
    const id = facts.header(headers[i]);
    if (id !== '') return id;
  }
  if (service.sticky) {
    const id = facts.stickyId();
    if (id !== '') return id;
  }
  return facts.requestId();
}

/** The first canary rule that matches: headers, cookies, addresses, users; null when none does. */
export function decideByRule(service: CompiledService, facts: RequestFacts): Decision | null {
  let value = '';
  const headerRules = service.headerRules;
  for (let i = 0; i < headerRules.length; i++) {
    const rule = headerRules[i];
    if (!rule.again) value = facts.header(rule.header);
    if (matches(rule.match, value)) return rule.decision;
  }
  const cookieRules = service.cookieRules;
  for (let i = 0; i < cookieRules.length; i++) {
    const rule = cookieRules[i];
    if (!rule.again) value = facts.cookie(rule.cookie);
    if (matches(rule.match, value)) return rule.decision;
  }
  if (service.ipRules !== null) {
    const first = service.ipRules.firstMatch(facts.clientIp());
    if (first !== -1) return service.ipDecisions[first];
  }
  let hash = -1;
  const userRules = service.userRules;
  for (let i = 0; i < userRules.length; i++) {
    const rule = userRules[i];
    if (!rule.again) {
      const id = facts.header(rule.header);
      // The empty string hashes to 0 and would always be in the first range.
      hash = id === '' ? -1 : hashId(service.hash, id);
    }
    if (hash >= rule.first && hash < rule.end) return rule.decision;
  }
  return null;
}

/** What becomes of a request that no rule matched. */
export function decideByStrategy(service: CompiledService, facts: RequestFacts, draw: Draw): Decision {
  const { strategy } = service.migration;
  if (strategy === 'header' || strategy === 'ip') return service.strategyOld;
  const id = strategyKey(service, facts);
  if (id !== '') return hashId(service.hash, id) < service.threshold ? service.strategyNew : service.strategyOld;
  if (strategy === 'user') return service.strategyOld;
  return draw.next(service.migration.shareBp) ? service.strategyNew : service.strategyOld;
}

/** The id whose hash meets the percentage; '' where the strategy has none, or the request. */
export function strategyKey(service: CompiledService, facts: RequestFacts): string {
  if (service.migration.strategy === 'user') return facts.header(service.migration.userIdHeader);
  return service.sticky ? facts.stickyId() : '';
}
