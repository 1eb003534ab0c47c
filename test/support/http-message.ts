/**
 * One HTTP/1.1 message read strictly from a ByteQueue, slowly and obviously: the oracle of the tests. What is not well
 * formed (bare LF, folded lines, both framings, a short body, junk chunk sizes) is an error and fails the test.
 */
import type { ByteQueue } from './byte-queue.ts';

export interface HttpMessage {
  /** `HTTP/1.1 200 OK` or `GET /x HTTP/1.1`. */
  readonly startLine: string;
  /** As sent, in order, names not changed; latin1. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Start line and fields with the empty line, byte for byte. */
  readonly head: string;
  /** Chunked framing removed. */
  readonly body: Buffer;
  readonly chunked: boolean;
  /** Chunk sizes in order; empty when not chunked. */
  readonly chunks: readonly number[];
}

/** All values of a field joined by `, `; null when absent. `name` in any case. */
export function field(message: Pick<HttpMessage, 'fields'>, name: string): string | null {
  const values = message.fields.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  return values.length === 0 ? null : values.join(', ');
}

export function statusOf(message: Pick<HttpMessage, 'startLine'>): number {
  return Number(message.startLine.slice(9, 12));
}

/** `none`: no body, whatever the fields say (HEAD). `to the end`: without framing it lasts to the connection's end. */
export type BodyRule = 'none' | 'framed' | 'framed or to the end';

export async function readMessage(queue: ByteQueue, rule: BodyRule, withinMs: number): Promise<HttpMessage> {
  const head = await readHead(queue, withinMs);
  const { body, chunks } = await readBody(queue, head, rule, withinMs);
  return { ...head, body, chunked: chunks !== null, chunks: chunks ?? [] };
}

export type HttpHead = Pick<HttpMessage, 'startLine' | 'fields' | 'head'>;

export async function readHead(queue: ByteQueue, withinMs: number): Promise<HttpHead> {
  const head = (await queue.until('\r\n\r\n', withinMs)).toString('latin1');
  const lines = head.slice(0, -4).split('\r\n');
  const startLine = lines.shift() ?? '';
  if (!/^(HTTP\/1\.[01] [1-9]\d\d( [\t\x20-\x7e\x80-\xff]*)?|[!-~]+ [!-~\x80-\xff]+ HTTP\/1\.[01])$/.test(startLine)) {
    throw new Error(`malformed start line ${JSON.stringify(startLine)}`);
  }
  const fields = lines.map((line) => {
    const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(line);
    if (parts === null) throw new Error(`malformed field line ${JSON.stringify(line)}`);
    return [parts[1], parts[2]] as const;
  });
  return { startLine, fields, head };
}

async function readBody(
  queue: ByteQueue,
  head: HttpHead,
  rule: BodyRule,
  withinMs: number,
): Promise<{ body: Buffer; chunks: number[] | null }> {
  const encoding = field(head, 'transfer-encoding');
  const length = field(head, 'content-length');
  if (encoding !== null && length !== null) throw new Error(`both framings in ${JSON.stringify(head.head)}`);
  if (rule === 'none') return { body: Buffer.alloc(0), chunks: null };
  if (encoding !== null) {
    if (encoding.toLowerCase() !== 'chunked') throw new Error(`Transfer-Encoding: ${encoding}`);
    return readChunks(queue, withinMs);
  }
  if (length !== null) {
    if (!/^\d+$/.test(length)) throw new Error(`Content-Length: ${length}`);
    return { body: await queue.exactly(Number(length), withinMs), chunks: null };
  }
  return { body: rule === 'framed' ? Buffer.alloc(0) : await queue.rest(withinMs), chunks: null };
}

async function readChunks(queue: ByteQueue, withinMs: number): Promise<{ body: Buffer; chunks: number[] }> {
  const parts: Buffer[] = [];
  const chunks: number[] = [];
  for (;;) {
    const line = (await queue.until('\r\n', withinMs)).toString('latin1').slice(0, -2);
    if (!/^[0-9a-fA-F]+$/.test(line)) throw new Error(`malformed chunk size ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    if (size > 0) {
      parts.push(await queue.exactly(size, withinMs));
      chunks.push(size);
    }
    const end = (await queue.exactly(2, withinMs)).toString('latin1');
    if (end !== '\r\n') throw new Error(`chunk of ${size} bytes ends with ${JSON.stringify(end)}`);
    if (size === 0) return { body: Buffer.concat(parts), chunks };
  }
}
