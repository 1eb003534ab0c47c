/**
 * Why a request goes where it goes. In: what `decide` takes. Out: its decision with the rules, the key, the bucket, the percentage
 * at which the key changes side, and notes for people. The decision is `decide`'s own, never worked out a second time.
 * The facts must answer the same each time they are asked.
 */
import { type RunState, STEADY } from '../migration/run-state.ts';
import { textOfBytes } from './bytes.ts';
import type { CompiledService } from './compile.ts';
import { decide, isAdmitted, probeKey, strategyKey } from './decide.ts';
import type { Decision } from './decision.ts';
import { explainNotes } from './explain-notes.ts';
import { describeRule, explainRules } from './explain-rules.ts';
import type { Explanation, KeyExplanation, ProbeExplanation } from './explanation.ts';
import type { RequestFacts } from './facts.ts';
import { hashId } from './keyed-hash.ts';
import { bucketBp } from './shares.ts';
import type { Draw } from './spread.ts';
import { STICKY_COOKIE } from './sticky.ts';

/** With `random` (0 <= x < 1) an unkeyed request is drawn once; without it its cluster is null. */
export function explain(
  service: CompiledService,
  run: RunState,
  facts: RequestFacts,
  random: (() => number) | null = null,
): Explanation {
  const verdict = observe(service, run, facts, random);
  const steady = verdict.decision.reason === 'fallback' ? observe(service, STEADY, facts, random) : null;
  const asksRules = verdict.decision.reason !== 'fallback' && service.fixed === null;
  const partial = {
    service: service.name,
    cluster: verdict.cluster,
    reason: verdict.decision.reason,
    rule: verdict.decision.rule,
    rule_text: verdict.decision.rule === null ? null : describeRule(service, verdict.decision.rule),
    strategy: service.migration.strategy,
    percentage: service.migration.shareBp / 100,
    state: run.state,
    rules: asksRules ? explainRules(service, facts, verdict.decision.rule) : [],
    key: service.fixed === null ? explainKey(service, facts) : null,
    drawn: verdict.drawn ? { new_percent: service.migration.shareBp / 100 } : null,
    probe: service.fixed === null && run.state === 'probing' ? explainProbe(service, run, facts) : null,
    without_fallback:
      steady === null ? null : { cluster: steady.cluster, reason: steady.decision.reason, rule: steady.decision.rule },
  };
  return { ...partial, notes: explainNotes(service, facts, partial) };
}

interface Verdict {
  readonly decision: Decision;
  readonly cluster: Explanation['cluster'];
  readonly drawn: boolean;
}

function observe(service: CompiledService, run: RunState, facts: RequestFacts, random: (() => number) | null): Verdict {
  const draw = new OneDraw(random);
  const decision = decide(service, run, facts, draw);
  return { decision, cluster: draw.drawn && random === null ? null : decision.cluster, drawn: draw.drawn };
}

/** A single draw that remembers whether chance had a part in the decision: at 0 and 100 % it has none. */
class OneDraw implements Draw {
  readonly #random: (() => number) | null;
  drawn = false;

  constructor(random: (() => number) | null) {
    this.#random = random;
  }

  next(shareBp: number): boolean {
    if (shareBp <= 0) return false;
    if (shareBp >= 10_000) return true;
    this.drawn = true;
    return this.#random !== null && this.#random() * 10_000 < shareBp;
  }
}

function explainKey(service: CompiledService, facts: RequestFacts): KeyExplanation | null {
  const id = strategyKey(service, facts);
  if (id !== '') {
    return service.sticky
      ? describeKey(service, 'cookie', STICKY_COOKIE, id, 'flips')
      : describeKey(service, 'header', service.migration.userIdHeader, id, 'flips');
  }
  const rule = service.userRules.find(({ header }) => facts.header(header) !== '');
  return rule ? describeKey(service, 'header', rule.header, facts.header(rule.header), 'stays') : null;
}

function describeKey(
  service: CompiledService,
  from: KeyExplanation['from'],
  name: string,
  id: string,
  atItsPercentage: 'flips' | 'stays',
): KeyExplanation {
  const bucket = bucketBp(hashId(service.hash, id));
  return {
    from,
    name,
    id: textOfBytes(id),
    hashed: textOfBytes(service.hash.salt.bytes + id),
    hash: service.hash.name,
    bucket: bucket / 100,
    flips_at: atItsPercentage === 'flips' ? (bucket + 1) / 100 : null,
  };
}

function explainProbe(service: CompiledService, run: RunState, facts: RequestFacts): ProbeExplanation {
  const key = run.admission === 'share' ? probeKey(service, facts) : '';
  return {
    admission: run.admission,
    admitted_percent: run.admission === 'share' ? run.admitBp / 100 : null,
    hashed: key === '' ? null : textOfBytes(service.probeHash.salt.bytes + key),
    bucket: key === '' ? null : bucketBp(hashId(service.probeHash, key)) / 100,
    admitted: isAdmitted(service, run, facts),
  };
}
