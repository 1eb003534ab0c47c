/**
 * The shape of an explained decision: plain JSON that the command line prints and the API answers. Per cent everywhere, with at
 * most two decimals; null: does not apply. It changes only by adding.
 */
import type { Cluster, HashName, Strategy } from '../migration/model.ts';
import type { RunStateName } from '../migration/run-state.ts';
import type { Decision, Reason } from './decision.ts';

export interface Explanation {
  readonly service: string;
  /** Null: it is drawn anew for each request (`drawn` says how). */
  readonly cluster: Cluster | null;
  readonly reason: Reason;
  /** `canary.header_rules[0]`, and the rule in words. */
  readonly rule: string | null;
  readonly rule_text: string | null;
  readonly strategy: Strategy;
  readonly percentage: number;
  readonly state: RunStateName;
  /** Every rule that was asked, up to the one that matched. Empty where the rules are not asked. */
  readonly rules: readonly RuleExplanation[];
  readonly key: KeyExplanation | null;
  readonly drawn: { readonly new_percent: number } | null;
  readonly probe: ProbeExplanation | null;
  /** What the service would decide if it had not fallen back; null where it did not decide `fallback`. */
  readonly without_fallback: (Pick<Decision, 'reason' | 'rule'> & { readonly cluster: Cluster | null }) | null;
  /** Sentences for people. */
  readonly notes: readonly string[];
}

/** With where the service's configuration stands: `configmap:NAMESPACE/NAME`, `file:PATH`. */
export interface SourcedExplanation extends Explanation {
  readonly source: string;
}

export interface RuleExplanation {
  readonly path: string;
  /** `X-Team is "blue" -> new_cluster` */
  readonly rule: string;
  readonly matched: boolean;
  readonly why: string;
}

/** The id that was hashed: the strategy's, or without one that of the first user rule that finds an id. */
export interface KeyExplanation {
  readonly from: 'header' | 'cookie';
  readonly name: string;
  readonly id: string;
  /** What goes into the hash: `cohort:id`. */
  readonly hashed: string;
  readonly hash: HashName;
  /** 0.00 to 99.99: the place of the id in the hash's space. */
  readonly bucket: number;
  /** The lowest percentage that sends this id to new by the strategy; null where the strategy does not hash it. */
  readonly flips_at: number | null;
}

export interface ProbeExplanation {
  readonly admission: 'share' | 'one';
  readonly admitted_percent: number | null;
  /** `probe:cohort:id` and its place; null where the request has no id, or admission is one at a time. */
  readonly hashed: string | null;
  readonly bucket: number | null;
  readonly admitted: boolean;
}
