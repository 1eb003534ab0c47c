/**
 * The head of an answer as the client gets it: the backend's lines without those of its own connection, new_host renamed
 * to the client's host, our own lines added.
 */
import { F } from '../http1/fields.ts';
import { BODY_NONE } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import { copyLines, DROP, endLine, REPLACE, writeLine } from './head-writer.ts';
import { type Renaming, rewriteRefresh, rewriteSetCookie, rewriteUrl } from './rewrite.ts';
import { copyBytes, writeText } from './scratch.ts';

export interface AnswerLines {
  readonly requestId: string;
  /** Null: nobody is renamed. */
  readonly renaming: Renaming | null;
  /** Our decision headers and the sticky cookie, each line with its CRLF; '' for none. */
  readonly own: string;
  /** Whether `own` has the decision headers: then the backend's own of that name are left out. */
  readonly exposed: boolean;
  readonly framing: 'as_sent' | 'chunked' | 'until_close';
  /** `upgrade`: to the protocol that the answer names. */
  readonly connection: 'close' | 'keep-alive' | 'upgrade' | 'default';
}

/** Writes the head of `answer`, whose lines end at `linesEnd` of its buffer. Returns the position behind it. */
export function writeAnswerHead(answer: ResponseHead, linesEnd: number, lines: AnswerLines, dst: Buffer): number {
  const { id, hop, count } = answer;
  let values: string[] | null = null;
  for (let i = 0; i < count; i++) {
    const field = id[i] as number;
    if (field === F.OTHER || hop[i] === DROP) continue;
    if (field === F.X_REQUEST_ID) hop[i] = DROP;
    else if (field === F.CONTENT_LENGTH && dropsLength(answer)) hop[i] = DROP;
    else if (lines.exposed && (field === F.X_MIGRATION_CLUSTER || field === F.X_MIGRATION_REASON)) hop[i] = DROP;
    else if (lines.renaming !== null && field >= F.LOCATION && field <= F.SET_COOKIE) {
      const renamed = rename(field, answer.value(i), lines.renaming);
      if (renamed === null) continue;
      hop[i] = REPLACE;
      values ??= [];
      values.push(renamed);
    }
  }
  let pos = writeStatusLine(answer, dst, 0);
  pos = copyLines(answer, linesEnd, values, dst, pos);
  pos = writeLine('X-Request-ID: ', lines.requestId, dst, pos);
  if (lines.own !== '') pos = writeText(lines.own, dst, pos);
  if (lines.framing === 'chunked') pos = writeText('Transfer-Encoding: chunked\r\n', dst, pos);
  if (lines.connection === 'close') pos = writeText('Connection: close\r\n', dst, pos);
  else if (lines.connection === 'keep-alive') pos = writeText('Connection: keep-alive\r\n', dst, pos);
  else if (lines.connection === 'upgrade') {
    pos = writeText('Connection: Upgrade\r\n', dst, pos);
    pos = writeLine('Upgrade: ', answer.header('upgrade'), dst, pos);
  }
  return endLine(dst, pos);
}

/** An interim answer (RFC 9110 section 15.2). */
export function writeInterimHead(answer: ResponseHead, linesEnd: number, dst: Buffer): number {
  return endLine(dst, copyLines(answer, linesEnd, null, dst, writeStatusLine(answer, dst, 0)));
}

/** RFC 9110 section 8.6: no Content-Length in an answer 204; in those to HEAD and in 304 it tells of another answer. */
function dropsLength(answer: ResponseHead): boolean {
  return answer.body === BODY_NONE && answer.status === 204;
}

function rename(field: number, value: string, renaming: Renaming): string | null {
  if (field === F.SET_COOKIE) return rewriteSetCookie(value, renaming);
  return field === F.REFRESH ? rewriteRefresh(value, renaming) : rewriteUrl(value, renaming);
}

function writeStatusLine(answer: ResponseHead, dst: Buffer, pos: number): number {
  pos = writeText('HTTP/1.1 ', dst, pos);
  pos = writeText(String(answer.status), dst, pos);
  pos = writeText(' ', dst, pos);
  return endLine(dst, copyBytes(answer.buf, answer.reasonStart, answer.reasonEnd, dst, pos));
}
