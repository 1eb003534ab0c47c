/**
 * A problem of values before it has a place in a text: which path, which code, what to say. Positions are added by whoever has the
 * text, so that values from a text, from the state directory or from a test are judged alike.
 */
import type { ConfigErrorCode } from './errors.ts';
import { quotedVisibly } from './quote.ts';

export type Path = readonly (string | number)[];

export interface ValueProblem {
  readonly path: Path;
  readonly code: ConfigErrorCode;
  readonly text: string;
  /** `key`: the key itself is wrong, so that is where to point. */
  readonly at: 'key' | 'value';
}

/** `services[2].canary.ip_rules[0].cidr`; keys that are no plain words stand in brackets and quotes. */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]{0,80}$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${quotedVisibly(step.slice(0, 80).toWellFormed())}]`;
  }
  return text;
}
