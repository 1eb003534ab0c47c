/**
 * Regexes for the keys of `map`, as PCRE reads them: bytes, with case, in time that grows with the length alone, since nginx
 * runs without PCRE's own limits and everybody's requests wait meanwhile. Hence `++` and `*+`: what was read stays read. And no
 * group is repeated as in `(…)*?`: compiled to machine code, its 5 000th repetition ends the search (PCRE 10.42).
 */

/** What a regex row takes out of its key: one variable for all, since a row's value is made right after its match. */
export const TAKEN = 'taken';

/**
 * How often PCRE may step on in one search. nginx 1.22.1 with PCRE 10.42: 1 000 000 steps take 17 ms; RE2, which knows no
 * such steps, takes up to 85 ms for the largest regex that is allowed over the largest head. Compiled to machine code PCRE
 * counts otherwise, and its stack of 32 KiB ends a search in a long value (pcre2jit(3)): hence NO_JIT.
 */
const MOST_STEPS = 500_000;

const BLANKS = '[ \\t]*+';
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]++";

/** Characters for themselves. */
export function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}

/**
 * A user's regex, searched anywhere. The limit counts for each place where PCRE begins; `^.*?` makes that one place. Past
 * it nginx takes the value as one that does not match, and its error log says so.
 */
export function searched(source: string): string {
  return `(*NO_JIT)(*LIMIT_MATCH=${MOST_STEPS})^.*?(?:${source})`;
}

/** Takes the value of the first cookie of that name out of `$http_cookie`, without blanks around it (RFC 6265 section 5.4). */
export function cookie(name: string): string {
  const value = '(?:[^; \\t]++|[ \\t]++(?![ \\t;]|\\z))*+';
  return `(?:^|;)${BLANKS}${literal(name)}${BLANKS}=${BLANKS}(?<${TAKEN}>${value})`;
}

/** The first `segments` segments of `$request_uri`. */
export function leadingSegments(segments: number): string {
  return `^(?<${TAKEN}>(?:/[^/?]*+){${segments}})`;
}

/** A path that a backend may read as another one: dot segments, `//`, a backslash, encoded ones, a fragment. */
export const AMBIGUOUS_PATH = '(?i)^[^?]*?(?:[\\\\#]|//|%2f|%5c|/(?:\\.|%2e){1,2}(?:[/?]|\\z))';

/** Decimal numbers up to `most`, zeros before them allowed. */
export function numberUpTo(most: number): string {
  return `^${number(most)}\\z`;
}

function number(most: number): string {
  const digits = String(most);
  const choices = [...digits].flatMap((digit, i) => {
    const least = i === 0 ? 1 : 0;
    if (Number(digit) <= least) return [];
    return [`${digits.slice(0, i)}[${least}-${Number(digit) - 1}]${tail(digits, i)}`];
  });
  const shorter = digits.length > 1 ? [`[0-9]{1,${digits.length - 1}}`] : [];
  return `0*+(?:${[...choices, digits, ...shorter].join('|')}|)`;
}

/** What stands after the digit at `i`: any digits. */
function tail(digits: string, i: number): string {
  const rest = digits.length - i - 1;
  return rest > 0 ? `[0-9]{${rest}}` : '';
}

/** An Accept that asks for events. */
export const EVENT_STREAM = '(?i:text/event-stream)';

/**
 * Method, length, nothing, Accept, Via, with a space between each two: one of the methods, a body that is held, no event stream, and
 * no word in Via that is our name. Where Accept ends is not asked: with our name in it, a request is one to be looked at, no more.
 */
export function ordinary(methods: readonly string[], mostBytes: number, instance: string): string {
  const odd = `${EVENT_STREAM}|\\s${named(instance)}`;
  return `^(?:${methods.join('|')}) ${number(mostBytes)}  (?!.*?(?:${odd}))`;
}

/** Four digits that are less than `bound` (1 to 9999) read as a number. */
export function fourDigitsBelow(bound: number): string {
  const digits = String(bound).padStart(4, '0');
  const choices = [...digits].flatMap((digit, i) =>
    digit === '0' ? [] : [`${digits.slice(0, i)}[0-${Number(digit) - 1}]${tail(digits, i)}`],
  );
  return `^(?:${choices.join('|')})\\z`;
}

/** A Via that names us as one of its hops (RFC 9110 section 7.6.3). */
export function viaOf(instance: string): string {
  return `(?:^|,)\\s*+[^\\s,]++\\s++${named(instance)}`;
}

function named(instance: string): string {
  return `${literal(instance)}(?:[\\s,]|\\z)`;
}

const PROTOCOL = `(?!(?i:h2c))${TOKEN}(?:/${TOKEN})?`;

/** An Upgrade that may go on as it is: h2c, in any draft version, is not in it. */
export const CLEAN_UPGRADE = `^${PROTOCOL}(?:[ \\t]*+,[ \\t]*+${PROTOCOL})*+[ \\t]*+\\z`;

/** Takes the first protocol of an Upgrade that may go on. */
export const FIRST_PROTOCOL = `(?:^|,)[ \\t]*+(?<${TAKEN}>${PROTOCOL})[ \\t]*+(?:,|\\z)`;

/** `$server_protocol`, framing and Connection of a request that may switch protocols: HTTP/1.1, no body, and it says so. */
export const MAY_UPGRADE = '(?i)^HTTP/1\\.1 0*+\\n(?:|.*?,)[ \\t]*+upgrade[ \\t]*+(?:,|\\z)';
