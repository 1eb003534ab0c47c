/**
 * The one way in which free text gets into an nginx configuration: an expression or a literal comes in, one word as
 * ngx_conf_read_token reads it comes out, in double quotes where it needs them. Whatever the text says, it stays one argument
 * of its directive. Refuses to know directives; text that no field may hold throws, naming the field.
 */
import type { GeoBlock, MapKey } from './block.ts';
import { type Expression, LF, type Part, TAB } from './expression.ts';
import { ConfigurationFault, type Token, token, variableName } from './token.ts';

/** Stands for a literal `$`, which nginx cannot escape. A text that uses it has this block before. */
export const DOLLAR = 'dollar';
export const dollarBlock: GeoBlock = { kind: 'geo', variable: DOLLAR, proxies: [], fallback: '$', rows: [] };

/** nginx 1.22.1 reads a word into a buffer of 4096 bytes, which also holds the byte after its closing quote. */
const MOST_BYTES = 4096;

/** What needs no quotes, wherever it stands; a word beginning with `-` or `/` is one like any other. */
const BARE = /^[A-Za-z0-9_.:/-]+$/;
const WORD = /^[A-Za-z0-9_]/;
const CONTROL = /[\x00-\x1f\x7f]/;

/** Where nginx expands variables: values of directives and of `map`, sources of `map`, keys of `split_clients`. */
export function quote(expression: Expression, field: string): Token {
  const [first] = expression;
  // Nearly all values of large tables: 0.2 us instead of 2 us.
  if (expression.length === 1 && typeof first === 'string' && BARE.test(first)) return fitted(first, field);
  let text = '';
  let bare = true;
  const pieces = expression.flatMap((part) => piecesOf(part, field));
  for (const [i, piece] of pieces.entries()) {
    if (piece.variable) text += WORD.test(following(pieces, i)) ? `\${${piece.text}}` : `$${piece.text}`;
    else {
      text += piece.text;
      bare &&= BARE.test(piece.text);
    }
  }
  return fitted(bare && text !== '' ? text : `"${text}"`, field);
}

/** Where `$` is a letter like any other: values of `geo` and `split_clients`, and arguments that nginx never expands. */
export function quoteLiteral(text: string, field: string): Token {
  return fitted(BARE.test(text) ? text : `"${escaped(text, field)}"`, field);
}

/** Words that `map` would take for its own, and the two first characters that it reads (ngx_http_map_module). */
const RESERVED_KEY = /^(?:[~\\]|(?:default|hostnames|include|volatile)$)/;

/** The key of a row of `map`: a text that nginx compares without case, or a regex, whose backslashes are doubled as all are. */
export function quoteMapKey(key: MapKey, field: string): Token {
  if (key.kind === 'regex') return quoteLiteral(`~${key.pattern}`, field);
  return quoteLiteral(RESERVED_KEY.test(key.text) ? `\\${key.text}` : key.text, field);
}

/** A piece as it is printed, or the name of a variable. */
interface Piece {
  readonly variable: boolean;
  readonly text: string;
}

function piecesOf(part: Part, field: string): Piece[] {
  if (part === LF) return [{ variable: false, text: '\\n' }];
  if (part === TAB) return [{ variable: false, text: '\\t' }];
  if (typeof part === 'string') return literalPieces(escaped(part, field));
  return [{ variable: true, text: variableName((part as { variable: string }).variable, field) }];
}

function literalPieces(text: string): Piece[] {
  if (!text.includes('$')) return text === '' ? [] : [{ variable: false, text }];
  return text
    .split(/(\$)/)
    .filter((piece) => piece !== '')
    .map((piece) => (piece === '$' ? { variable: true, text: DOLLAR } : { variable: false, text: piece }));
}

function following(pieces: readonly Piece[], i: number): string {
  const next = pieces[i + 1];
  return next === undefined || next.variable ? '' : next.text;
}

/** Inside double quotes nginx reads `\"`, `\'`, `\\`, `\t`, `\r` and `\n`; every other backslash stands for itself. */
function escaped(text: string, field: string): string {
  if (CONTROL.test(text)) throw new ConfigurationFault(field, text, 'has a control character', 'new');
  if (!text.isWellFormed()) throw new ConfigurationFault(field, text, 'has half of a surrogate pair', 'new');
  return text.replace(/["\\]/g, '\\$&');
}

function fitted(text: string, field: string): Token {
  if (text.length * 3 <= MOST_BYTES || new TextEncoder().encode(text).length <= MOST_BYTES) return token(text);
  throw new ConfigurationFault(field, text, `is longer than the ${MOST_BYTES} bytes of a word of nginx`, 'new');
}
