/**
 * The regex subset that RE2, JavaScript and PCRE read alike, so that a rule means the same in either data plane. In: the
 * source of a regex. Out: what is wrong with it and where, or null. Compiling and matching is done elsewhere. Beyond the
 * grammar there is one limit of size: with its repeats written out a regex has at most 256 parts (as many as it may have
 * bytes). It bounds the work of a match: 900 parts took 0.3 s for a value of 32 KiB.
 */
const MAX_BYTES = 256;
const MAX_PARTS = 256;

const CLASS_ESCAPES = 'dDwWsS';
const PUNCTUATION = /[!-/:-@[-`{-~]/;

class RegexProblem extends Error {}

/** A few words, with the 1-based place; null for a regex of the subset. */
export function regexProblem(source: string): string | null {
  if (source === '') return 'an empty regex matches everything';
  if (/[^\x20-\x7e]/.test(source)) return 'a regex is printable ASCII';
  if (source.length > MAX_BYTES) return `a regex has at most ${MAX_BYTES} bytes, this one ${source.length}`;
  try {
    const parts = new Reader(source).readAll();
    return parts > MAX_PARTS ? `with its repeats written out it has more than ${MAX_PARTS} parts` : null;
  } catch (error) {
    if (error instanceof RegexProblem) return error.message;
    throw error;
  }
}

/** Recursive descent; each method returns how many parts it read, repeats written out. 256 bytes bound the depth. */
class Reader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  readAll(): number {
    const parts = this.#alternation();
    if (this.#at < this.#source.length) this.#fail('this ) closes nothing');
    return parts;
  }

  #alternation(): number {
    let parts = this.#sequence();
    while (this.#take('|')) parts += 1 + this.#sequence();
    return parts;
  }

  #sequence(): number {
    let parts = 0;
    while (this.#at < this.#source.length && !this.#sees('|') && !this.#sees(')')) parts += this.#repeated();
    return parts;
  }

  #repeated(): number {
    const began = this.#at;
    const assertion = this.#takeAssertion();
    const parts = assertion ? 1 : this.#atom();
    const afterAtom = this.#at;
    const most = this.#quantifier();
    if (most === null) return parts;
    if (assertion) this.#fail(`${this.#source.slice(began, afterAtom)} cannot be repeated`, afterAtom);
    this.#take('?');
    const next = this.#source[this.#at] ?? '';
    if (next === '+') this.#fail('possessive repeats are not in the subset');
    if (next !== '' && '*?{'.includes(next)) this.#fail('a repeat of a repeat needs a group between');
    return parts * Math.max(most, 1);
  }

  #takeAssertion(): boolean {
    if (this.#take('^') || this.#take('$')) return true;
    const two = this.#source.slice(this.#at, this.#at + 2);
    if (two !== '\\b' && two !== '\\B') return false;
    this.#at += 2;
    return true;
  }

  #atom(): number {
    const char = this.#source[this.#at];
    if (char === '(') return this.#group();
    if (char === '[') return this.#class();
    if (char === '\\') {
      this.#escape();
      return 1;
    }
    if ('*+?'.includes(char)) this.#fail(`${char} repeats nothing`);
    if ('{}]'.includes(char)) this.#fail(`write \\${char} for the character itself`);
    this.#at++;
    return 1;
  }

  #group(): number {
    const began = this.#at;
    this.#at++;
    if (this.#take('?')) {
      if (!this.#take(':')) this.#fail('of the groups that begin with (? only (?: ) is in the subset', began);
    }
    const parts = this.#alternation();
    if (!this.#take(')')) this.#fail('this ( is never closed', began);
    return 1 + parts;
  }

  /** How often at most the atom before stands, an open end counting its least; null without a quantifier. */
  #quantifier(): number | null {
    if (this.#take('*') || this.#take('+') || this.#take('?')) return 1;
    if (!this.#sees('{')) return null;
    const found = /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(this.#source.slice(this.#at));
    if (found === null) this.#fail('a repeat is {n}, {n,} or {n,m}; write \\{ for the character itself');
    const least = Number(found[1]);
    const most = found[3] === undefined || found[3] === '' ? least : Number(found[3]);
    if (most > MAX_PARTS || least > MAX_PARTS) this.#fail(`a repeat is at most ${MAX_PARTS}`);
    if (most < least) this.#fail('this repeat ends before it begins');
    this.#at += found[0].length;
    return most;
  }

  #class(): number {
    const began = this.#at;
    this.#at++;
    this.#take('^');
    if (this.#sees(']')) this.#fail('an empty class; write \\] for the character itself');
    let first = true;
    while (!this.#sees(']')) {
      if (this.#at >= this.#source.length) this.#fail('this [ is never closed', began);
      this.#member(first);
      first = false;
    }
    this.#at++;
    return 1;
  }

  #member(first: boolean): void {
    const began = this.#at;
    const low = this.#classChar(first);
    const next = this.#source[this.#at + 1];
    if (!this.#sees('-') || next === ']') return;
    if (next === undefined) this.#fail('this class is never closed', began);
    if (low === null) this.#fail('a range begins with one character');
    this.#at++;
    const high = this.#classChar(false);
    if (high === null) this.#fail('a range ends with one character', began);
    if (high < low) this.#fail('this range ends before it begins', began);
  }

  /** The character that stands for itself; null for \d and its like. */
  #classChar(first: boolean): string | null {
    const char = this.#source[this.#at];
    if (char === '\\') {
      if ('bB'.includes(this.#source[this.#at + 1] ?? '-')) this.#fail('\\b is no character');
      return this.#escape();
    }
    if (char === '[') this.#fail('write \\[ for the character itself');
    if (char === '-' && !first && this.#source[this.#at + 1] !== ']') this.#fail('write \\- for the character itself');
    this.#at++;
    return char;
  }

  #escape(): string | null {
    const char = this.#source[this.#at + 1];
    if (char === undefined) this.#fail('nothing follows the last \\');
    const isClass = CLASS_ESCAPES.includes(char);
    if (!isClass && !PUNCTUATION.test(char)) {
      this.#fail(/[1-9]/.test(char) ? 'back-references are not in the subset' : `\\${char} is not in the subset`);
    }
    this.#at += 2;
    return isClass ? null : char;
  }

  #sees(char: string): boolean {
    return this.#source[this.#at] === char;
  }

  #take(char: string): boolean {
    if (!this.#sees(char)) return false;
    this.#at++;
    return true;
  }

  #fail(text: string, at = this.#at): never {
    throw new RegexProblem(`${text} (character ${at + 1})`);
  }
}
