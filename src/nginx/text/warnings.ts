/**
 * What is to be said of a text that is right, but will be felt: each request pays for many variables, each edit for many TLS contexts.
 * In: its counts, the nginx that reads it. Out: words with the number and the cure. Refuses to know the text.
 */
import { looksUp } from './authorities.ts';
import { isAtLeast, type NginxSettings } from './settings.ts';

export interface TextCounts {
  readonly variables: number;
  /** Locations that speak TLS to their backend; those of them that verify it with the default CAs. */
  readonly tls: { readonly locations: number; readonly trustingDefault: number };
}

/** Each costs every request about 4 ns (nginx 1.22.1): far beyond this is a configuration to think about. */
const MANY_VARIABLES = 300;
/** CPU time of one TLS context (nginx 1.22.1, OpenSSL 3.0), and of the system's CAs where it has to read them: 10 to 38 ms. */
const CONTEXT_MS = 0.43;
const READ_ALL_MS = 20;
/** Of CPU time a load, at each edit that reloads: an edit is to be live within a second or so. */
const LONG_LOAD_MS = 3_000;

export function warningsOf(counts: TextCounts, settings: NginxSettings): string[] {
  return [...ofVariables(counts), ...ofTls(counts, settings)];
}

function ofVariables({ variables }: TextCounts): string[] {
  if (variables <= MANY_VARIABLES) return [];
  return [
    `the nginx text has ${variables} variables, and above ${MANY_VARIABLES} what they cost each request begins to show: use fewer ` +
      'distinct percentages, header names, regexes and lists of addresses, for example the same ip_rules for many services',
  ];
}

/** From nginx 1.23.1 on a location takes its server's context. */
function ofTls({ tls: { locations, trustingDefault } }: TextCounts, settings: NginxSettings): string[] {
  const { major, minor, patch } = settings.version;
  if (isAtLeast(settings.version, 1, 23, 1)) return [];
  const ms = locations * CONTEXT_MS + (looksUp(settings) ? 0 : trustingDefault * READ_ALL_MS);
  if (ms < LONG_LOAD_MS) return [];
  return [
    `nginx ${major}.${minor}.${patch} makes a TLS context for each of the ${locations} locations that speak TLS to a backend, so that it ` +
      `takes some ${Math.round(ms / 1000)} s of CPU time until an edit is live: use nginx 1.23.1 or newer, which makes one for each ` +
      'server, or let services share a backend, server_name and CA',
  ];
}
