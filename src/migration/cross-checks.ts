/**
 * What takes two keys of a service to judge: a match and its value, a TLS policy and its protocol. In: a service as written, in
 * which single values may be wrong. Out: problems at the key that has to change. It looks only at values of the right type,
 * so that nothing is reported twice.
 */
import { backendProblem, parseBackend } from './addresses.ts';
import type { Path } from './problem.ts';
import { regexProblem } from './regex.ts';
import { comparedValueProblem, cookieValueProblem } from './texts.ts';

export interface CrossProblem {
  readonly path: Path;
  readonly code: 'bad_value' | 'missing_key';
  readonly text: string;
}

type Raw = { readonly [key: string]: unknown };

export function crossProblems(service: Raw): CrossProblem[] {
  return [
    ...rules(service, 'header_rules').flatMap(({ rule, path }) => ruleProblems(rule, path)),
    ...rules(service, 'cookie_rules').flatMap(({ rule, path }) => [
      ...ruleProblems(rule, path),
      ...problemAt(
        [...path, 'value'],
        rule.match !== 'regex' && isText(rule.value) ? cookieValueProblem(rule.value) : null,
      ),
    ]),
    ...stickyProblems(service),
    ...tlsProblems(service, 'old'),
    ...tlsProblems(service, 'new'),
  ];
}

function ruleProblems(rule: Raw, path: Path): CrossProblem[] {
  const { match = 'exact', value } = rule;
  const at = [...path, 'value'];
  if (match === 'present') {
    return value === undefined ? [] : problemAt(at, 'match `present` takes any value; leave this out');
  }
  if (value === undefined) {
    const text = 'is missing; for example value: "new", or match: present for any value';
    return [{ path: at, code: 'missing_key', text }];
  }
  // An empty value is refused by itself.
  if (!isText(value) || value === '') return [];
  if (match === 'regex') {
    const problem = regexProblem(value);
    return problemAt(at, problem && `is no regex of the common subset: ${problem}; for example value: "^v2-[0-9]+$"`);
  }
  return match === 'exact' || match === 'prefix' ? problemAt(at, comparedValueProblem(value, match)) : [];
}

function stickyProblems(service: Raw): CrossProblem[] {
  const { strategy, sticky } = asRaw(service.migration);
  if (sticky !== 'cookie' || strategy === undefined || strategy === 'weight') return [];
  if (!['user', 'header', 'ip'].includes(String(strategy))) return [];
  return problemAt(['migration', 'sticky'], `works only with strategy: weight, not ${strategy}; leave it out`);
}

function tlsProblems(service: Raw, side: 'old' | 'new'): CrossProblem[] {
  const key = `${side}_tls`;
  const tls = service[key];
  if (!isRaw(tls)) return [];
  const both = tls.ca !== undefined && tls.ca_file !== undefined;
  return [
    ...problemAt([key, 'ca_file'], both ? 'stands beside ca; keep one of the two' : null),
    ...problemAt(
      [key],
      speaksHttp(service, side) ? `has no effect while ${side}_protocol is http; write ${side}_protocol: https` : null,
    ),
  ];
}

/** False where the protocol cannot be told. */
function speaksHttp(service: Raw, side: 'old' | 'new'): boolean {
  const protocol = service[`${side}_protocol`];
  if (protocol !== undefined) return protocol === 'http';
  const backend = service[`${side}_backend`];
  return isText(backend) && backendProblem(backend) === null && parseBackend(backend).port !== 443;
}

function rules(service: Raw, key: string): { rule: Raw; path: Path }[] {
  const list = asRaw(service.canary)[key];
  if (!Array.isArray(list)) return [];
  return list.flatMap((rule, i) => (isRaw(rule) ? [{ rule, path: ['canary', key, i] }] : []));
}

function problemAt(path: Path, text: string | null | ''): CrossProblem[] {
  return text ? [{ path, code: 'bad_value', text }] : [];
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isRaw(value: unknown): value is Raw {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function asRaw(value: unknown): Raw {
  return isRaw(value) ? value : {};
}
