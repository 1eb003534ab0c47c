/**
 * One word of an nginx configuration, ready to be printed: only the quoting and the grammars make them, and the templates take
 * nothing else, so the compiler sees to it that no text of a user is printed as it stands. What must never have come this far
 * is a fault of ours and throws.
 */
import { quote as shown } from '../../migration/quote.ts';

declare const checked: unique symbol;
export type Token = string & { readonly [checked]: true };

/** For the quoting and the grammars, and for words that stand in our own code. */
export function token(text: string): Token {
  return text as Token;
}

/** A value that its validation should have refused. */
export class ConfigurationFault extends Error {
  constructor(field: string, value: unknown, problem: string, example: string) {
    super(`nginx text: ${field} ${shown(value)} ${problem}; for example ${example}`);
    this.name = 'ConfigurationFault';
  }
}

/** One that came from another thread has the name alone. */
export function isConfigurationFault(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ConfigurationFault';
}

/** The text, where all of it is in the grammar. */
export function fitting(text: string, grammar: RegExp, field: string, noun: string, example: string): Token {
  if (grammar.test(text)) return token(text);
  throw new ConfigurationFault(field, text, `is no ${noun}`, example);
}

/** Of nginx's variables and of ours, without the sign. */
export function variableName(name: string, field: string): Token {
  return fitting(name, /^[a-z_][a-z0-9_]*$/, field, 'variable name', 'http_x_user_id');
}
