/**
 * The grammar of nginx's configuration files, read as ngx_conf_read_token and ngx_conf_parse of nginx 1.22 do: text in, the tree
 * of directives and the comments out; a text that nginx would not read as a file throws. Refuses to know directives, so it
 * reads also what nginx would then call unknown.
 */
export interface Directive {
  /** Name and arguments, escapes and quotes resolved. */
  readonly words: readonly string[];
  /** Null: ended by `;`. */
  readonly block: readonly Directive[] | null;
}
export interface NginxTree {
  readonly directives: readonly Directive[];
  readonly comments: readonly string[];
}

/** NGX_CONF_BUFFER: a longer word is an error. */
const BUFFER = 4096;
const SPACE = ' \t\r\n';
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  t: '\t',
  r: '\r',
  n: '\n',
};

/** Throws an Error that names the line. */
export function readNginx(text: string): NginxTree {
  const reader = new Reader(text);
  const directives = reader.block(false);
  return { directives, comments: reader.comments };
}

type End = ';' | '{' | '}' | 'end';

class Reader {
  readonly #text: string;
  #at = 0;
  readonly comments: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  block(inner: boolean): Directive[] {
    const found: Directive[] = [];
    for (;;) {
      const words: string[] = [];
      const end = this.#directive(words);
      if (end === '}' || end === 'end') {
        if ((end === '}') !== inner) this.#fail(inner ? 'unexpected end of file, expecting "}"' : 'unexpected "}"');
        return found;
      }
      found.push({ words, block: end === '{' ? this.block(true) : null });
    }
  }

  /** Words up to what ends the directive. */
  #directive(words: string[]): End {
    for (;;) {
      const char = this.#text[this.#at++];
      if (char === undefined) {
        if (words.length > 0) this.#fail('unexpected end of file, expecting ";" or "}"');
        return 'end';
      }
      if (SPACE.includes(char)) continue;
      if (char === '#') {
        this.#comment();
        continue;
      }
      if (char === '}') {
        if (words.length > 0) this.#fail('unexpected "}"');
        return '}';
      }
      if (char === ';' || char === '{') {
        if (words.length === 0) this.#fail(`unexpected "${char}"`);
        return char;
      }
      const end = char === '"' || char === "'" ? this.#quoted(words, char) : this.#bare(words);
      if (end !== null) return end;
    }
  }

  #comment(): void {
    const end = this.#text.indexOf('\n', this.#at);
    const stop = end === -1 ? this.#text.length : end;
    this.comments.push(this.#text.slice(this.#at, stop));
    this.#at = stop;
  }

  /** After its closing quote a word ends with a space, or with `)`, which begins the next. */
  #quoted(words: string[], quote: string): End | null {
    words.push(this.#word(this.#at, (char) => char === quote));
    const next = this.#text[this.#at++];
    if (next === undefined) this.#fail('unexpected end of file, expecting ";" or "}"');
    if (next === ';' || next === '{') return next;
    if (next === ')') this.#at--;
    else if (!SPACE.includes(next)) this.#fail(`unexpected "${next}"`);
    return null;
  }

  /** Its first character is not looked at: whoever calls knows that it ends nothing. */
  #bare(words: string[]): End | null {
    words.push(this.#word(this.#at - 1, (char) => SPACE.includes(char) || char === ';' || char === '{'));
    const end = this.#text[this.#at - 1];
    return end === ';' || end === '{' ? end : null;
  }

  /** From `start` up to the first character outside `\x` and `${` that ends it, which is passed. */
  #word(start: number, ends: (char: string) => boolean): string {
    this.#at = start;
    for (let variable = false; ; ) {
      const char = this.#text[this.#at++];
      if (char === '{' && variable) continue;
      variable = char === '$';
      if (char === '\\') this.#at++;
      else if (char !== undefined && ends(char)) break;
      if (this.#at > this.#text.length) this.#fail('unexpected end of file, expecting ";" or "}"');
    }
    const raw = this.#text.slice(start, this.#at - 1);
    if (Buffer.byteLength(raw) + 1 >= BUFFER) this.#fail('too long parameter');
    return unescaped(raw);
  }

  #fail(what: string): never {
    const line = this.#text.slice(0, this.#at).split('\n').length;
    throw new Error(`${what} in line ${line}`);
  }
}

function unescaped(raw: string): string {
  return raw.replace(/\\([\s\S])/g, (both, char: string) => ESCAPES[char] ?? both);
}
