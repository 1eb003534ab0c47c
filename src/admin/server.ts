/**
 * The admin server: an application on a port of its own, held to tight limits.
 * In: the backend and where to listen. Out: a server to start and stop. It shares the process with the data plane, so a
 * slow, endless or numerous client must cost next to nothing: heads in 5 s, whole requests in 10 s, few connections.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createApp } from './app.ts';
import type { AdminContext } from './endpoint.ts';
import { type Problem, problemBody, statusLine } from './problem.ts';

export interface AdminServerOptions
  extends Pick<AdminContext, 'backend' | 'version' | 'replica' | 'token' | 'onError'> {
  /** Port 0: any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Default `loopback`; `refuse` in Kubernetes, where writes always need the token. */
  readonly withoutToken?: AdminContext['withoutToken'];
  readonly limits?: Partial<AdminLimits>;
  /** Epoch ms. */
  readonly nowMs?: () => number;
}

export interface AdminLimits {
  readonly headTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** A connection without any byte, in either direction. */
  readonly idleTimeoutMs: number;
  readonly connections: number;
  readonly connectionsPerPeer: number;
}

export const ADMIN_LIMITS: AdminLimits = {
  headTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  idleTimeoutMs: 30_000,
  connections: 256,
  connectionsPerPeer: 64,
};

const HEAD_LIMIT_BYTES = 16 * 1024;
const HEADER_LINES_LIMIT = 100;
/** Answers under way get this long when the server closes. */
const CLOSE_GRACE_MS = 1_000;

export interface AdminServer {
  /** The bound address. Rejects with the system's error (`EADDRINUSE` ...) when that cannot be had. */
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  close(): Promise<void>;
}

export function createAdminServer(options: AdminServerOptions): AdminServer {
  const limits = { ...ADMIN_LIMITS, ...options.limits };
  const app = createApp({
    ...options,
    withoutToken: options.withoutToken ?? 'loopback',
    boundAddress: () => (server.address() as AddressInfo | null)?.address ?? '',
    nowMs: options.nowMs ?? Date.now,
  });
  const server = createServer(
    {
      maxHeaderSize: HEAD_LIMIT_BYTES,
      headersTimeout: limits.headTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headTimeoutMs / 2),
      insecureHTTPParser: false,
    },
    app,
  );
  server.maxHeadersCount = HEADER_LINES_LIMIT;
  server.maxConnections = limits.connections;
  server.timeout = limits.idleTimeoutMs;
  server.on('connection', limitPerPeer(limits.connectionsPerPeer));
  server.on('clientError', answerBrokenRequest);
  return { listen: () => listen(server, options.listen), close: () => close(server) };
}

async function listen(server: Server, at: AdminServerOptions['listen']) {
  server.listen(at);
  await once(server, 'listening');
  const { address, port } = server.address() as AddressInfo;
  return { host: address, port };
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearTimeout(cut);
}

/** One peer that opens connections without end must not keep the probes of the kubelet out. */
function limitPerPeer(limit: number): (socket: Socket) => void {
  const open = new Map<string, number>();
  return (socket) => {
    const peer = socket.remoteAddress ?? '';
    const count = (open.get(peer) ?? 0) + 1;
    if (count > limit) return void socket.destroy();
    open.set(peer, count);
    socket.once('close', () => {
      const left = (open.get(peer) ?? 1) - 1;
      if (left === 0) open.delete(peer);
      else open.set(peer, left);
    });
  };
}

const BROKEN_REQUESTS: Readonly<Record<string, Problem>> = {
  HPE_HEADER_OVERFLOW: { code: 'head_too_large', detail: 'the head of the request is over 16 KiB' },
  ERR_HTTP_REQUEST_TIMEOUT: { code: 'request_timeout', detail: 'the request did not arrive in time' },
};
const UNREADABLE: Problem = { code: 'bad_request', detail: 'this is no HTTP/1.1 request' };

function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const problem = BROKEN_REQUESTS[error.code ?? ''] ?? UNREADABLE;
  const body = problemBody(problem);
  const head = [
    `HTTP/1.1 ${statusLine(problem.code)}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
