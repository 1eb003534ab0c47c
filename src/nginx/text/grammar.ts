/**
 * What is printed bare into an nginx configuration, each kind with its grammar: text or a number in, the same as nginx wants it
 * out. Validation has refused everything else long before; what does not fit is a fault of ours and throws, naming the field.
 */
import { quote as shown } from '../../migration/quote.ts';

/** A value that must never have come this far. */
export class ConfigurationFault extends Error {
  constructor(field: string, value: unknown, problem: string, example: string) {
    super(`nginx text: ${field} ${shown(value)} ${problem}; for example ${example}`);
    this.name = 'ConfigurationFault';
  }
}

function fitting(text: string, pattern: RegExp, field: string, noun: string, example: string): string {
  if (pattern.test(text)) return text;
  throw new ConfigurationFault(field, text, `is no ${noun}`, example);
}

/** Of nginx's variables and of ours, without the sign. */
export function variableName(name: string, field: string): string {
  return fitting(name, /^[a-z_][a-z0-9_]*$/, field, 'variable name', 'http_x_user_id');
}
