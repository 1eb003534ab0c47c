/**
 * Byte strings: one character for each byte, as requests carry them. In: configuration's text. Out: its UTF-8 bytes as
 * such a string, and back for people. Knows nothing of headers or rules.
 */

/** The UTF-8 bytes of a text, one character (U+0000..U+00FF) a byte. */
export function utf8Bytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** A byte string read as UTF-8, for people; what is no UTF-8 shows as U+FFFD. */
export function textOfBytes(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
