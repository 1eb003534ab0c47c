/**
 * Paths on hosts that are divided by path, as sent: nothing is decoded or normalised. In: a request target. Out: whether its path
 * could mean another path to a backend than to us, and whether it lies under a prefix. Knows nothing of services.
 */
const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const DOT = 0x2e;
const PERCENT = 0x25;
const QUESTION = 0x3f;

/**
 * True where a backend may resolve the path to one that belongs to another service: `.` or `..` segments, plain or encoded, `//`,
 * an encoded `/` or `\`, and a plain `\`. What stands after the first `?` is not looked at.
 */
export function isAmbiguousPath(target: string): boolean {
  const length = target.length;
  // Of the current segment: characters so far, an encoded dot being one, and whether all of them are dots.
  let size = 0;
  let dots = true;
  for (let i = 0; ; i++) {
    const code = i < length ? target.charCodeAt(i) : QUESTION;
    if (code === SLASH || code === QUESTION) {
      if (dots && (size === 1 || size === 2)) return true;
      if (code === QUESTION) return false;
      if (size === 0 && i > 0) return true;
      size = 0;
      dots = true;
      continue;
    }
    if (code === BACKSLASH) return true;
    let dot = code === DOT;
    if (code === PERCENT) {
      const encoded = encodedByte(target, i);
      if (encoded === SLASH || encoded === BACKSLASH) return true;
      if (encoded === DOT) {
        dot = true;
        i += 2;
      }
    }
    size++;
    dots = dots && dot;
  }
}

/** Whether the target's path is the prefix or lies under it: whole segments, with case. */
export function isUnder(target: string, prefix: string): boolean {
  if (!target.startsWith(prefix)) return false;
  if (target.length === prefix.length) return true;
  const next = target.charCodeAt(prefix.length);
  return next === SLASH || next === QUESTION;
}

/** The byte that `%xx` at this place stands for; -1 where it is none. */
function encodedByte(target: string, at: number): number {
  const high = hexDigit(target.charCodeAt(at + 1));
  const low = hexDigit(target.charCodeAt(at + 2));
  return high === -1 || low === -1 ? -1 : high * 16 + low;
}

/** NaN, past the end, is no digit. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
