/** Bodies arrive byte for byte, whatever their size and however each side frames them: a backend echoes what it got. */
import { expect } from 'chai';
import type { Script } from '../../support/recorder.ts';
import { HOST } from '../configuration.ts';
import { head, onStage } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

const KIB = 1024;
/** Around the sizes at which buffers end. */
const SIZES = [0, 1, 16 * KIB - 1, 16 * KIB, 16 * KIB + 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 1024 * KIB];

type Framing = 'length' | 'chunked' | 'close';

/** Bytes of every value, in no short cycle. */
function bytesOf(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) * 17) & 255;
  return bytes;
}

/** Chunks of growing size, so that none ends where a buffer does. */
function inChunks(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, size = 1; at < body.length; at += size, size = size * 3 + 1) {
    const piece = body.subarray(at, at + size);
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

const LINES: Readonly<Record<Framing, (size: number) => string[]>> = {
  length: (size) => [`Content-Length: ${size}`],
  chunked: () => ['Transfer-Encoding: chunked'],
  close: () => [],
};

function message(start: readonly string[], body: Buffer, framing: Framing): Buffer {
  const first = Buffer.from(head(...start, ...LINES[framing](body.length)));
  return Buffer.concat([first, framing === 'chunked' ? inChunks(body) : body]);
}

const echo =
  (framing: Framing): Script =>
  ({ request, socket }) => {
    const answer = message(['HTTP/1.1 200 OK'], request.body, framing);
    if (framing !== 'close') return answer;
    socket.end(answer);
    return null;
  };

const SENT: readonly Framing[] = ['length', 'chunked'];
const ANSWERED: readonly Framing[] = ['length', 'chunked', 'close'];

const cases: readonly Case[] = SIZES.flatMap((size) =>
  SENT.flatMap((sent) =>
    ANSWERED.map((answered) => ({
      name: `${size} bytes, sent by ${sent}, answered by ${answered}`,
      run: (plane) =>
        onStage(plane, { new: echo(answered) }, async (stage) => {
          const body = bytesOf(size);
          const client = await stage.client();
          client.send(message(['POST / HTTP/1.1', `Host: ${HOST}`], body, sent));
          const answer = await client.response({ withinMs: stage.patienceMs });
          expect(stage.only('new').body.equals(body), 'the request’s body').to.equal(true);
          expect(answer.body.equals(body), 'the answer’s body').to.equal(true);
          // A chunked body that was there as a whole may be passed on with its length.
          if (sent === 'length') expect(stage.only('new').chunked).to.equal(false);
          expect(answer.chunked).to.equal(answered !== 'length');
        }),
    })),
  ),
);

export const bodies: Theme = { name: 'bodies', cases };
