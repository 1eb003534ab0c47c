/**
 * The canary rules of a service against one request, in words. In: what decided, and the request. Out: each rule that was asked,
 * and why it matched or not. Which rule matched is never worked out here: it is the decision's own.
 */
import type { Cluster } from '../migration/model.ts';
import { textOfBytes } from './bytes.ts';
import type { CompiledService } from './compile.ts';
import type { RuleExplanation } from './explanation.ts';
import type { RequestFacts } from './facts.ts';
import { hashId } from './keyed-hash.ts';
import { describeMatch } from './match.ts';
import { bucketBp } from './shares.ts';

/** Rules in the order they are asked, up to `matchedPath`; all of them when it is null. */
export function explainRules(
  service: CompiledService,
  facts: RequestFacts,
  matchedPath: string | null,
): RuleExplanation[] {
  const asked: RuleExplanation[] = [];
  for (const { path, rule, found } of listRules(service, facts)) {
    const matched = path === matchedPath;
    asked.push({ path, rule, matched, why: found });
    if (matched) break;
  }
  return asked;
}

/** The rule at a path (`canary.ip_rules[3]`) in words. */
export function describeRule(service: CompiledService, path: string): string | null {
  const { headerRules, cookieRules, ipRules, userRules } = service.migration;
  const at = Number(path.slice(path.indexOf('[') + 1, -1));
  if (path.startsWith('canary.header_rules')) {
    const { header, match, target } = headerRules[at];
    return `${header} ${describeMatch(match)} -> ${targetName(target)}`;
  }
  if (path.startsWith('canary.cookie_rules')) {
    const { cookie, match, target } = cookieRules[at];
    return `cookie ${cookie} ${describeMatch(match)} -> ${targetName(target)}`;
  }
  if (path.startsWith('canary.ip_rules')) return `${ipRules[at].cidr} -> ${targetName(ipRules[at].target)}`;
  const { header, from, to, target } = userRules[at];
  return `${header} hash_range ${from}-${to} -> ${targetName(target)}`;
}

interface Asked {
  readonly path: string;
  readonly rule: string;
  /** What the request has where the rule looks. */
  readonly found: string;
}

function* listRules(service: CompiledService, facts: RequestFacts): Generator<Asked> {
  const asked = (path: string, found: string): Asked => ({ path, rule: describeRule(service, path)!, found });
  for (const { header, decision } of service.headerRules) {
    yield asked(decision.rule!, foundValue(header, facts.header(header)));
  }
  for (const { cookie, decision } of service.cookieRules) {
    yield asked(decision.rule!, foundValue(`cookie ${cookie}`, facts.cookie(cookie)));
  }
  for (const { rule } of service.ipDecisions) yield asked(rule!, `the client is ${facts.clientIp().text}`);
  for (const { header, decision } of service.userRules) {
    const id = facts.header(header);
    const bucket = id === '' ? null : bucketBp(hashId(service.hash, id)) / 100;
    const found =
      bucket === null ? `no ${header}: nothing to hash` : `${foundValue(header, id)}, bucket ${bucket.toFixed(2)}`;
    yield asked(decision.rule!, found);
  }
}

function foundValue(what: string, value: string): string {
  return value === '' ? `no ${what}` : `${what} is ${JSON.stringify(textOfBytes(value))}`;
}

function targetName(target: Cluster): string {
  return `${target}_cluster`;
}
