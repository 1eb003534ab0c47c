/**
 * Bodies too large to hold: a backend that takes and gives any amount, and a client that sends and reads it, each telling the
 * hash of what passed. A number of bytes in; hashes out. Refuses to hold more than one piece.
 */
import { createHash, type Hash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { within } from './eventually.ts';
import { residentMiB } from './proc.ts';

const PIECE = Buffer.alloc(128 * 1024, 'nothing of this is kept. ');

export type Framing = 'length' | 'chunked';

/** The hash of a body of `bytes`, which is PIECE again and again. */
export function hashOfBody(bytes: number): string {
  const hash = createHash('sha256');
  for (const piece of pieces(bytes)) hash.update(piece);
  return hash.digest('hex');
}

/** `PUT /` answers with the hash of its body; `GET /BYTES/length` and `GET /BYTES/chunked` give a body. */
export async function listenForBigBodies(): Promise<{ readonly server: Server; readonly backend: string }> {
  const server = createServer(async (request, response) => {
    if (request.method === 'PUT') {
      const hash = createHash('sha256');
      for await (const chunk of request) hash.update(chunk as Buffer);
      response.end(hash.digest('hex'));
      return;
    }
    const [, bytes, framing] = (request.url ?? '').split('/');
    if (framing === 'length') response.setHeader('Content-Length', bytes);
    for (const piece of pieces(Number(bytes))) {
      if (!response.write(piece)) await new Promise((resolve) => response.once('drain', resolve));
    }
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, backend: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

export interface Transfer {
  readonly port: number;
  readonly host: string;
  readonly bytes: number;
  readonly framing: Framing;
  readonly withinMs: number;
}

/** The hash that the backend saw. */
export async function upload({ port, host, bytes, framing, withinMs }: Transfer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const answer = bodyOf(socket);
  const lengths = framing === 'length' ? `Content-Length: ${bytes}` : 'Transfer-Encoding: chunked';
  socket.write(`PUT / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${lengths}\r\n\r\n`);
  for (const piece of pieces(bytes)) {
    if (framing === 'chunked') socket.write(`${piece.length.toString(16)}\r\n`);
    const isRoom = socket.write(piece);
    if (framing === 'chunked') socket.write('\r\n');
    if (!isRoom)
      await within('the proxy takes more', new Promise((resolve) => socket.once('drain', resolve)), withinMs);
  }
  if (framing === 'chunked') socket.write('0\r\n\r\n');
  return within('the answer to an upload', answer, withinMs);
}

/** The hash of what came. `slow`: with a pause now and then, so that the proxy has to wait. */
export async function download(transfer: Transfer, reading: 'fast' | 'slow'): Promise<string> {
  const { port, host, bytes, framing, withinMs } = transfer;
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET /${bytes}/${framing} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  const hash = createHash('sha256');
  const body = framing === 'length' ? plainBody(hash) : chunkedBody(hash);
  let reads = 0;
  const read = async (): Promise<void> => {
    for await (const chunk of socket) {
      body(chunk as Buffer);
      if (reading === 'slow' && reads++ % 64 === 0) await pause(5);
    }
  };
  await within('the end of a download', read(), withinMs);
  return hash.digest('hex');
}

/** What `work` costs a process at its height over what it had before, MiB. */
export async function growthMiB(pid: number, work: () => Promise<void>): Promise<number> {
  const before = residentMiB(pid);
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, residentMiB(pid));
  }, 25);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return most - before;
}

function* pieces(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= PIECE.length) yield left >= PIECE.length ? PIECE : PIECE.subarray(0, left);
}

async function bodyOf(socket: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += chunk.toString('latin1');
  return text.slice(text.indexOf('\r\n\r\n') + 4);
}

type Reader = (chunk: Buffer) => void;

/** What follows the head goes into the hash. */
function plainBody(hash: Hash): Reader {
  let head: Buffer | null = Buffer.alloc(0);
  return (chunk) => {
    if (head === null) return void hash.update(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    hash.update(head.subarray(end + 4));
    head = null;
  };
}

/** The same with sizes of chunks taken out; junk in them is an error. */
function chunkedBody(hash: Hash): Reader {
  let rest: Buffer = Buffer.alloc(0);
  let inHead = true;
  let left = 0;
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (inHead) {
      const end = rest.indexOf('\r\n\r\n');
      if (end === -1) return;
      inHead = false;
      rest = rest.subarray(end + 4);
    }
    for (;;) {
      const taken = Math.min(left, rest.length);
      hash.update(rest.subarray(0, taken));
      left -= taken;
      rest = rest.subarray(taken);
      const end = left === 0 ? rest.indexOf('\r\n', 2) : -1;
      if (end === -1) return;
      // A size stands behind the line end of the chunk before it, the first one behind the head.
      const size = /^(?:\r\n)?([0-9a-f]+)$/i.exec(rest.subarray(0, end).toString('latin1'));
      if (size === null)
        throw new Error(`malformed chunk size ${JSON.stringify(rest.subarray(0, 20).toString('latin1'))}`);
      left = Number.parseInt(size[1], 16);
      rest = rest.subarray(end + 2);
      if (left === 0) return;
    }
  };
}
