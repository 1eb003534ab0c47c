/**
 * The answer of the allocator: which cluster, and the reason in the words that status, logs, metrics and `explain` use.
 * Decisions are made once, when a service is compiled; deciding a request hands out one of them and allocates nothing.
 */
import type { Cluster } from '../migration/model.ts';

export type Reason = 'disabled' | 'invalid' | 'fallback' | 'header' | 'cookie' | 'ip' | 'user' | 'weight' | 'default';

export const REASONS: readonly Reason[] = [
  'disabled',
  'invalid',
  'fallback',
  'header',
  'cookie',
  'ip',
  'user',
  'weight',
  'default',
];

export interface Decision {
  readonly cluster: Cluster;
  readonly reason: Reason;
  /** `canary.header_rules[0]` for a rule, else null. */
  readonly rule: string | null;
}
