/**
 * The bytes of a request's body, at most 16 KiB of JSON.
 * In: a request whose body was not touched yet. Out: the bytes, a problem, or null when the client went away.
 * What a plain HTML form could send (text, form data, no type at all) is refused before it is read: only a script that a
 * browser asks our permission for can send JSON from another site, and we never give it.
 */
import type { Request } from 'express';
import type { Problem } from './problem.ts';
import type { Parsed } from './write-body.ts';

export const BODY_LIMIT_BYTES = 16 * 1024;

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*(?:utf-8|"utf-8")\s*)?$/i;

export async function readBody(request: Request): Promise<Parsed<Buffer> | null> {
  const problem = typeProblem(request);
  if (problem !== null) return { problem };
  if (Number(request.headers['content-length'] ?? 0) > BODY_LIMIT_BYTES) return TOO_LARGE;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > BODY_LIMIT_BYTES) return TOO_LARGE;
      chunks.push(chunk);
    }
  } catch {
    return null;
  }
  return { value: Buffer.concat(chunks) };
}

const TOO_LARGE = {
  problem: { code: 'too_large', detail: 'the body is over 16 KiB', headers: { Connection: 'close' } },
} satisfies { problem: Problem };

function typeProblem({ headers }: Request): Problem | null {
  const type = headers['content-type'];
  const isEmpty = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
  if (type === undefined && isEmpty) return null;
  if (type === undefined || !JSON_TYPE.test(type)) {
    return { code: 'unsupported_media_type', detail: 'send the body as Content-Type: application/json (UTF-8)' };
  }
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity') {
    return { code: 'unsupported_media_type', detail: 'send the body without a Content-Encoding' };
  }
  return null;
}
