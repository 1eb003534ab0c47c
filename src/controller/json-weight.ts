/**
 * What a JSON text that anybody may have written would cost to read: how many values it has at most, and how deep they lie. In: the text. Out:
 * words where it is more than we ever write, before anything is made of it. Whether it is JSON at all it refuses to know. Pure.
 */

/** 64 bytes a value in the worst case (an empty object), where a pod of 512 MiB has a heap of 256. 5 000 services are 90 000 values. */
export const MOST_VALUES = 1_000_000;
/** What we write has 12. `JSON.stringify` gives up at some thousands, and ends the process that did not expect it. */
export const MOST_DEEP = 64;

const [QUOTE, BACKSLASH, COMMA] = ['"', '\\', ','].map(codeOf);
const OPENING = new Set(['[', '{'].map(codeOf));
const CLOSING = new Set([']', '}'].map(codeOf));

/** Null: it may be read. */
export function tooHeavy(text: string): string | null {
  let values = 1;
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isInString) {
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) isInString = false;
    } else if (code === QUOTE) isInString = true;
    else if (code === COMMA) values++;
    else if (OPENING.has(code)) {
      values++;
      depth++;
      if (depth > MOST_DEEP) return `it is nested deeper than ${MOST_DEEP} levels`;
    } else if (CLOSING.has(code)) depth--;
  }
  return values > MOST_VALUES ? `it has more than ${MOST_VALUES} values` : null;
}

function codeOf(character: string): number {
  return character.charCodeAt(0);
}
