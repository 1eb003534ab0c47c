/**
 * Other people's text inside our messages: quoted, on one line, cut short. A message goes to terminals, logs and Events, and must
 * neither break their lines nor fill them.
 */
const LONGEST = 60;

export function quote(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  const text = typeof value === 'string' ? value : String(value);
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST).toWellFormed()}…` : text;
  return quotedVisibly(cut);
}

/** In quotes, however long. */
export function quotedVisibly(text: string): string {
  return JSON.stringify(text).replace(INVISIBLE, escapeCode);
}

/** Somebody else's message that may hold such text: on one line, at most `length` characters, and without quotes of ours. */
export function visible(text: string, length: number): string {
  const cut = text.length > length ? `${text.slice(0, length).toWellFormed()}…` : text;
  return cut.replace(/[\x00-\x1f]/g, escapeCode).replace(INVISIBLE, escapeCode);
}

/** Control characters, line ends, marks that turn the direction of what follows, and characters without any width. */
const INVISIBLE =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]/g;

function escapeCode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
