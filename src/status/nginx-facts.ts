/**
 * How the nginx beside us stands, as facts: what it runs, what became of the last reload, and which services it would not
 * have. Told by the nginx plane; the direct plane has none. Times are epoch ms.
 */
export interface NginxFacts {
  /** A process runs and has answered with the text that we installed. */
  readonly up: boolean;
  /** Generation of the table that it serves; null before the first. */
  readonly runningGeneration: number | null;
  readonly lastReload: LastReload | null;
  /** Since start; the first start of nginx is one. */
  readonly reloads: { readonly ok: number; readonly failed: number };
  readonly refusals: readonly NginxRefusal[];
  /** For people: what is odd, but no error. */
  readonly warnings: readonly string[];
}

export interface LastReload {
  readonly atMs: number;
  readonly ok: boolean;
  /** Nginx's own words, where it had some. */
  readonly error: string | null;
}

/** A service that this nginx cannot serve as it is configured. */
export interface NginxRefusal {
  readonly service: string;
  /** What is to blame, below the service: `canary.header_rules[0].value`; absent where that is not known. */
  readonly key?: string;
  readonly message: string;
}
