/**
 * Text that must not be longer than so many bytes of UTF-8, cut between two characters. Pure.
 */

const MARK = '…';

/** `text`, or its beginning and a mark that something is missing: at most `most` bytes (3 at least). */
export function cutToBytes(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text;
  let bytes = Buffer.byteLength(MARK);
  let kept = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > most) break;
    kept += character;
  }
  return kept + MARK;
}
