/**
 * The head of a request as a backend gets it: the client's own lines as they came, without those of the client's
 * connection, and the lines that the proxy answers for: Host, framing, X-Forwarded-*, X-Request-ID, Via.
 */
import { F } from '../http1/fields.ts';
import { BODY_CHUNKED, BODY_LENGTH, type RequestHead } from '../http1/request-head.ts';
import type { Cluster } from '../migration/model.ts';
import { dropForwarded, type Forwarding, writeForwarded } from './forwarded.ts';
import { copyLines, DROP, endLine, writeLine } from './head-writer.ts';
import { copyBytes, writeText } from './scratch.ts';

export interface RequestLines extends Forwarding {
  readonly linesEnd: number;
  readonly cluster: Cluster;
  readonly newHost: string;
  /**
   * `Expect: 100-continue` goes along only while the body is still to come: to every attempt, since the client waits for the
   * 100 of whichever cluster is asked last.
   */
  readonly expect: 'keep' | 'drop';
}

/** Marks the lines that are written anew; once for each request, before its first attempt. */
export function prepareHead(head: RequestHead): void {
  dropForwarded(head);
}

/** Returns the length of the head at the start of `dst`. The same head may be written again for another attempt. */
export function writeRequestHead(head: RequestHead, lines: RequestLines, dst: Buffer): number {
  const { buf } = head;
  let pos = writeText(head.method, dst, 0);
  dst[pos++] = 0x20;
  // An absolute form without path (RFC 9112 section 3.2): `/`, or `*` for OPTIONS.
  if (head.targetStart === head.targetEnd) dst[pos++] = head.method === 'OPTIONS' ? 0x2a : 0x2f;
  else pos = copyBytes(buf, head.targetStart, head.targetEnd, dst, pos);
  pos = writeText(' HTTP/1.1\r\nHost: ', dst, pos);
  if (lines.cluster === 'new') pos = writeText(lines.newHost, dst, pos);
  else pos = copyBytes(buf, head.authorityStart, head.authorityEnd, dst, pos);
  pos = endLine(dst, pos);
  if (lines.expect === 'drop' && head.expectContinue) dropExpect(head);
  pos = copyLines(head, lines.linesEnd, null, dst, pos);
  if (head.body === BODY_CHUNKED) pos = writeText('Transfer-Encoding: chunked\r\n', dst, pos);
  else if (head.body === BODY_LENGTH || head.has(F.CONTENT_LENGTH)) {
    pos = writeLine('Content-Length: ', String(head.contentLength), dst, pos);
  }
  if (head.upgrade) {
    pos = writeText('Connection: Upgrade\r\n', dst, pos);
    pos = writeLine('Upgrade: ', head.upgradeValue, dst, pos);
  }
  return endLine(dst, writeForwarded(head, lines, dst, pos));
}

function dropExpect(head: RequestHead): void {
  for (let i = 0; i < head.count; i++) if (head.id[i] === F.EXPECT) head.hop[i] = DROP;
}
