/**
 * The grammar of flags and arguments: text as a person types it in, a typed value out, or commander's error with what is wrong
 * and an example. Pure; a value from the environment comes the same way.
 */
import { InvalidArgumentError } from 'commander';

export interface ListenAddress {
  /** Null: all interfaces. IPv6 without brackets. */
  readonly host: string | null;
  /** 0: any free port. */
  readonly port: number;
}

/** `:8000`, `127.0.0.1:8000`, `[::1]:8000`, `localhost:8000` or a port alone. */
export function listenAddress(text: string): ListenAddress {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]:|([A-Za-z0-9.-]*):)?(\d{1,5})$/.exec(text);
  const port = parts ? Number(parts[3]) : -1;
  if (!parts || port < 0 || port > 65_535) {
    throw new InvalidArgumentError('expected HOST:PORT, such as :8000, 127.0.0.1:8000 or [::1]:8000');
  }
  return { host: parts[1] ?? (parts[2] || null), port };
}

/** Digits, at most two decimals, 0 to 100. */
export function percentage(text: string): number {
  const value = /^\d{1,3}(\.\d{1,2})?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN;
  if (!(value <= 100)) throw new InvalidArgumentError('expected 0 to 100 with at most two decimals, such as 12.5');
  return value;
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `30s`, `1m30s`, `500ms`, or a plain number of seconds; in ms. */
export function durationMs(text: string): number {
  if (/^\d{1,9}(\.\d{1,3})?$/.test(text)) return Math.round(Number(text) * 1_000);
  const parts = [...text.matchAll(/(\d{1,9})(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) {
    throw new InvalidArgumentError('expected a duration, such as 30s, 1m30s or 500ms');
  }
  return parts.reduce((sum, part) => sum + Number(part[1]) * UNITS_MS[part[2]], 0);
}

/** A parser for whole numbers of at least `least` and at most `most`. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
  };
}

/** What may name our objects and stand in a Via header. */
export function instanceName(text: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('expected up to 40 lower-case letters, digits and dashes, such as migration-proxy');
}

export interface ConfigMapName {
  readonly namespace: string;
  readonly name: string;
}

/** `NAMESPACE/NAME`, as Kubernetes allows them: a label (RFC 1123) and a name of such labels with dots. */
export function configMapName(text: string): ConfigMapName {
  const parts = /^([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)\/([a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?)$/.exec(text);
  if (parts !== null) return { namespace: parts[1], name: parts[2] };
  throw new InvalidArgumentError('expected NAMESPACE/NAME, such as migration-proxy/migration-config');
}

/** A source given twice: which of the two is meant is not guessed. */
export function givenOnce<T>(parse: (text: string) => T): (text: string, before: T | undefined) => T {
  return (text, before) => {
    if (before === undefined) return parse(text);
    throw new InvalidArgumentError('it is given twice; several ConfigMaps are followed with --selector');
  };
}

/** A label selector as the API server reads it: `team=shop`, `team in (shop,cart),!legacy`. */
export function labelSelector(text: string): string {
  const key = '(?:[a-z0-9.-]{1,253}/)?[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?';
  const value = '(?:[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?)?';
  const set = `\\(\\s*${value}(?:\\s*,\\s*${value})*\\s*\\)`;
  const one = `\\s*(?:!\\s*${key}|${key}(?:\\s*(?:==?|!=)\\s*${value}|\\s+(?:in|notin)\\s+${set})?)\\s*`;
  if (new RegExp(`^${one}(?:,${one})*$`).test(text) && text.length <= 1_024) return text.trim();
  throw new InvalidArgumentError('expected labels, such as migration-proxy/config=true or team=shop,env!=test');
}

/** The name of a namespace. */
export function namespaceName(text: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('expected the name of a namespace, such as migration-proxy');
}

/** `1.22.1`, or `1.22`. */
export function nginxVersion(text: string): { major: number; minor: number; patch: number } {
  const parts = /^(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?$/.exec(text);
  const [major, minor, patch] = (parts ?? []).slice(1).map((part) => Number(part ?? 0));
  if (major === 1 && minor >= 22) return { major, minor, patch };
  throw new InvalidArgumentError('expected a version of nginx from 1.22 on, such as 1.28.0');
}

export interface NameAndValue {
  readonly name: string;
  readonly value: string;
}

/** `Name: value`; to be given several times. */
export function headerLine(text: string, before: readonly NameAndValue[] = []): NameAndValue[] {
  const colon = text.indexOf(':');
  const name = text.slice(0, colon);
  if (colon < 1 || !/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) {
    throw new InvalidArgumentError('expected "Name: value", such as "X-User-ID: 42"');
  }
  return [...before, { name, value: text.slice(colon + 1).trim() }];
}

/** `name=value`; to be given several times. */
export function cookiePair(text: string, before: readonly NameAndValue[] = []): NameAndValue[] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('expected "name=value", such as "beta=yes"');
  return [...before, { name: text.slice(0, equals).trim(), value: text.slice(equals + 1).trim() }];
}

/** An http or https address without credentials; with no path, or the path that the admin server stands below. */
export function adminUrl(text: string): URL {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (
    url === null ||
    !isHttp ||
    url.hostname === '' ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== ''
  ) {
    throw new InvalidArgumentError('expected a URL, such as http://127.0.0.1:8080');
  }
  return url;
}
