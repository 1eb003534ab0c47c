/**
 * Regexes over byte strings, in linear time (RE2), unanchored and with case. In: a source of the subset that validation
 * accepts. Out: a test that answers as PCRE without UTF mode does, byte for byte. Whether a source is allowed is not
 * asked here; one that RE2 cannot compile throws.
 */
import { RE2JS } from 're2js';
import { utf8Bytes } from './bytes.ts';

export interface ByteRegex {
  /** Whether some part of the byte string matches. */
  test(bytes: string): boolean;
}

/** PCRE's \s has the vertical tab, RE2's has not. Each ends with a range, so that a hyphen after it stays a hyphen. */
const SPACE = ' \\t-\\r';
const NOT_SPACE = '\\x00-\\x08\\x0e-\\x1f!-\\xff';

/**
 * Compiles a source. Everything but `\s` means the same to both for one-byte characters: `\w`, `\d` and `\b` are ASCII, `.` is
 * any byte but a line feed. `$` differs only before a final line feed, which no header or cookie can hold.
 */
export function compileRegex(source: string): ByteRegex {
  return RE2JS.compile(asRe2(utf8Bytes(source)));
}

function asRe2(source: string): string {
  let translated = '';
  let inClass = false;
  let firstMember = 0;
  for (let i = 0; i < source.length; i++) {
    const char = source[i];
    if (char === '\\') {
      translated += escaped(source[++i] ?? '', inClass);
      continue;
    }
    translated += char;
    if (char === '[' && !inClass) {
      inClass = true;
      firstMember = i + (source[i + 1] === '^' ? 2 : 1);
    } else if (char === ']' && i !== firstMember) {
      inClass = false;
    }
  }
  return translated;
}

function escaped(char: string, inClass: boolean): string {
  if (char === 's') return inClass ? SPACE : `[${SPACE}]`;
  if (char === 'S') return inClass ? NOT_SPACE : `[${NOT_SPACE}]`;
  return `\\${char}`;
}
