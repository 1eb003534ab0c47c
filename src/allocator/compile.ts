/**
 * A served migration made ready for deciding. In: plain configuration. Out: look-ups, salts, thresholds and one frozen decision
 * for each possible answer, so that deciding a request allocates nothing. Built where the table is used: it cannot cross
 * a process boundary. Refuses to know requests and run state.
 */
import type { CookieRule, HeaderRule, Migration, ServedMigration, Standing, UserRule } from '../migration/model.ts';
import { type CidrLookup, compileCidrs } from './cidr.ts';
import type { Decision, Reason } from './decision.ts';
import { cohortPrefix, type KeyedHash, keyedHash, probePrefix } from './keyed-hash.ts';
import { type CompiledMatch, compileMatch } from './match.ts';
import { rangeThresholds, threshold } from './shares.ts';

export interface CompiledHeaderRule {
  readonly header: string;
  /** The rule before asks the same header: its value is at hand. */
  readonly again: boolean;
  readonly match: CompiledMatch;
  readonly decision: Decision;
}
export interface CompiledCookieRule {
  readonly cookie: string;
  readonly again: boolean;
  readonly match: CompiledMatch;
  readonly decision: Decision;
}
export interface CompiledUserRule {
  readonly header: string;
  readonly again: boolean;
  /** Hashes from `first` up to and without `end`. */
  readonly first: number;
  readonly end: number;
  readonly decision: Decision;
}

export interface CompiledService {
  /** The place in the list that it was compiled with. */
  readonly index: number;
  readonly name: string;
  readonly served: ServedMigration;
  readonly migration: Migration;
  readonly standing: Standing;
  /** Not null: every request gets this (disabled, or never valid). */
  readonly fixed: Decision | null;
  readonly fallback: Decision;
  readonly headerRules: readonly CompiledHeaderRule[];
  readonly cookieRules: readonly CompiledCookieRule[];
  /** Null without ip_rules: then nobody asks for the client's address. */
  readonly ipRules: CidrLookup | null;
  readonly ipDecisions: readonly Decision[];
  readonly userRules: readonly CompiledUserRule[];
  /** Sticky by cookie: only ever with the strategy weight. */
  readonly sticky: boolean;
  readonly hash: KeyedHash;
  /** Hashes below it go to new under the strategies weight (sticky) and user. */
  readonly threshold: number;
  readonly strategyNew: Decision;
  readonly strategyOld: Decision;
  readonly probeHash: KeyedHash;
  /** Headers that may hold the user's id while probing, in order; empty where nothing is decided by user. */
  readonly probeHeaders: readonly string[];
}

/** Throws on a CIDR or regex that validation must have refused. */
export function compileService(served: ServedMigration, index = 0): CompiledService {
  const { migration, standing } = served;
  // Of a service that was never valid only the old side is known to read well.
  const ruled = standing !== 'invalid';
  const fixed = ruled ? (migration.enabled ? null : decision('old', 'disabled')) : decision('old', 'invalid');
  const reason: Reason =
    migration.strategy === 'weight' || migration.strategy === 'user' ? migration.strategy : 'default';
  const ipRules = ruled ? migration.ipRules : [];
  return Object.freeze({
    index,
    name: migration.name,
    served,
    migration,
    standing,
    fixed,
    fallback: decision('old', 'fallback'),
    headerRules: Object.freeze(ruled ? migration.headerRules.map(compileHeaderRule) : []),
    cookieRules: Object.freeze(ruled ? migration.cookieRules.map(compileCookieRule) : []),
    ipRules: ipRules.length > 0 ? compileCidrs(ipRules.map((rule) => rule.cidr)) : null,
    ipDecisions: Object.freeze(ipRules.map((rule, i) => decision(rule.target, 'ip', `canary.ip_rules[${i}]`))),
    userRules: Object.freeze(ruled ? migration.userRules.map(compileUserRule) : []),
    sticky: migration.sticky && migration.strategy === 'weight',
    hash: keyedHash(migration.hash, cohortPrefix(migration.cohort)),
    threshold: threshold(migration.shareBp),
    strategyNew: decision('new', reason),
    strategyOld: decision('old', reason),
    probeHash: keyedHash(migration.hash, probePrefix(migration.cohort)),
    probeHeaders: Object.freeze(probeHeaders(migration)),
  });
}

function compileHeaderRule(rule: HeaderRule, i: number, rules: readonly HeaderRule[]): CompiledHeaderRule {
  return Object.freeze({
    header: rule.header,
    again: i > 0 && rules[i - 1].header === rule.header,
    match: compileMatch(rule.match),
    decision: decision(rule.target, 'header', `canary.header_rules[${i}]`),
  });
}

function compileCookieRule(rule: CookieRule, i: number, rules: readonly CookieRule[]): CompiledCookieRule {
  return Object.freeze({
    cookie: rule.cookie,
    again: i > 0 && rules[i - 1].cookie === rule.cookie,
    match: compileMatch(rule.match),
    decision: decision(rule.target, 'cookie', `canary.cookie_rules[${i}]`),
  });
}

function compileUserRule(rule: UserRule, i: number, rules: readonly UserRule[]): CompiledUserRule {
  return Object.freeze({
    header: rule.header,
    again: i > 0 && rules[i - 1].header === rule.header,
    ...rangeThresholds(rule.from, rule.to),
    decision: decision(rule.target, 'user', `canary.user_rules[${i}]`),
  });
}

/** The strategy's header first, then those of the rules: whoever a rule can see by id keeps one place while probing. */
function probeHeaders(migration: Migration): string[] {
  if (migration.strategy !== 'user' && migration.userRules.length === 0) return [];
  return [...new Set([migration.userIdHeader, ...migration.userRules.map((rule) => rule.header)])];
}

function decision(cluster: Decision['cluster'], reason: Reason, rule: string | null = null): Decision {
  return Object.freeze({ cluster, reason, rule });
}
