/**
 * Long answers made a slice at a time: thousands of services make megabytes of text, and while that is written out in one go no
 * request of the data plane moves. In: texts, made as they are asked for. Out: all of them as bytes, some turns of the event
 * loop later. What is told of one service belongs to one moment; of two services, to two.
 */

/** What a request may be held up at most. */
const SLICE_MS = 4;
const PIECE_CHARACTERS = 64 * 1024;

/** `texts` must be a generator, or as lazy as one: each text is short work. Rejects with what it throws. */
export async function inSlices(texts: Iterable<string>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let piece = '';
  let begunMs = performance.now();
  for (const text of texts) {
    piece += text;
    if (piece.length >= PIECE_CHARACTERS) {
      pieces.push(Buffer.from(piece));
      piece = '';
    }
    if (performance.now() - begunMs < SLICE_MS) continue;
    await new Promise(setImmediate);
    begunMs = performance.now();
  }
  pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** `head` with one more key, last, whose value is the list of `items`. */
export function* jsonTexts(head: object, key: string, items: Iterable<unknown>): Generator<string> {
  const opening = JSON.stringify(head).slice(0, -1);
  yield `${opening}${opening === '{' ? '' : ','}${JSON.stringify(key)}:[`;
  let comma = '';
  for (const item of items) {
    yield comma + JSON.stringify(item);
    comma = ',';
  }
  yield ']}';
}
