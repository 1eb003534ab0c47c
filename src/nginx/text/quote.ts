/**
 * The one way in which text gets into an nginx configuration: an expression or a literal comes in, one token of
 * ngx_conf_read_token comes out, in double quotes where it needs them. Whatever the text says, it stays one argument of its
 * directive. Refuses to know directives; text that no field may hold is a fault of ours and throws, naming the field.
 */
import type { MapKey } from './block.ts';
import { type Expression, LF } from './expression.ts';
import { ConfigurationFault, variableName } from './grammar.ts';

/** Stands for a literal `$`, which nginx cannot escape: `geo $dollar { default "$"; }`, see `dollarBlock`. */
export const DOLLAR = 'dollar';

/** nginx 1.22.1 reads a token into a buffer of 4096 bytes, with its opening quote and one byte after its closing one. */
const MOST_BYTES = 4096;

const BARE = /^[A-Za-z0-9_.:/-]+$/;
const WORD = /^[A-Za-z0-9_]/;

/** Where nginx expands variables: values of directives and of `map`, sources of `map`, keys of `split_clients`. */
export function quote(expression: Expression, field: string): string {
  let token = '';
  let bare = true;
  let open = '';
  const expand = (name: string): void => {
    token += `${closed(open, '')}`;
    open = variableName(name, field);
  };
  for (const part of expression) {
    if (part === '') continue;
    if (typeof part !== 'string' && 'variable' in part) {
      expand(part.variable);
      continue;
    }
    const pieces = part === LF ? ['\\n'] : literal(part as string, field).split(/(\$)/);
    for (const piece of pieces) {
      if (piece === '') continue;
      if (piece === '$') {
        expand(DOLLAR);
        continue;
      }
      token += closed(open, piece) + piece;
      open = '';
      bare &&= BARE.test(piece);
    }
  }
  token += closed(open, '');
  return fitted(bare && token !== '' ? token : `"${token}"`, field);
}

/** Where `$` is a letter like any other: values of `geo` and `split_clients`, and arguments that nginx never expands. */
export function quoteLiteral(text: string, field: string): string {
  return fitted(BARE.test(text) ? text : `"${literal(text, field)}"`, field);
}

/** Words that `map` would take for its own, and the two first characters that it reads (ngx_http_map_module). */
const RESERVED_KEY = /^(?:[~\\]|(?:default|hostnames|include|volatile)$)/;

/** The key of a row of `map`: a text that is compared without case, or a regex with case. */
export function quoteMapKey(key: MapKey, field: string): string {
  if (key.kind === 'regex') return quoteLiteral(`~${key.pattern}`, field);
  return quoteLiteral(RESERVED_KEY.test(key.text) ? `\\${key.text}` : key.text, field);
}

/** `$name`, or `${name}` where the text goes on with a character that a name may hold. */
function closed(name: string, next: string): string {
  if (name === '') return '';
  return WORD.test(next) ? `\${${name}}` : `$${name}`;
}

/** Inside double quotes nginx reads `\"`, `\\`, `\'`, `\t`, `\r` and `\n`; every other backslash stands for itself. */
function literal(text: string, field: string): string {
  if (/[\x00-\x1f\x7f]/.test(text)) {
    throw new ConfigurationFault(field, text, 'has a control character, which its validation refuses', 'new');
  }
  if (!text.isWellFormed()) throw new ConfigurationFault(field, text, 'is half of a surrogate pair', 'new');
  return text.replace(/["\\]/g, '\\$&');
}

function fitted(token: string, field: string): string {
  // A token in ASCII of a third of the limit needs no counting.
  if (token.length * 3 < MOST_BYTES || new TextEncoder().encode(token).length <= MOST_BYTES) return token;
  throw new ConfigurationFault(
    field,
    token,
    `is longer than the ${MOST_BYTES} bytes that nginx reads as one word`,
    'new',
  );
}
