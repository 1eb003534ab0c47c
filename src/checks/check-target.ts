/**
 * One active check: connect, TLS where it is spoken, and with a path one GET. In: a target. Out: passed, or why not in words
 * for people. It never throws, never waits longer than the target's timeouts, and leaves no connection behind.
 * It sees what a request of the data plane would see: the same SNI, the same verification, a fresh look-up of the name.
 */
import { request } from 'node:http';
import { isIP, type LookupFunction, type Socket, connect as tcpConnect } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { durationText } from '../fallback/words.ts';
import { certificateProblem } from './certificate-problem.ts';
import type { CheckTarget } from './target.ts';

/** Null: it passed; else the problem, for people. */
export type CheckResult = { readonly error: string | null };

export interface CheckSurroundings {
  /** Epoch ms, to say how long a certificate has been out of date. */
  readonly now: () => number;
  /** Absent: the system's. */
  readonly lookup?: LookupFunction;
  /** Calls the check off: nobody wants its result any more, and the process may be about to end. */
  readonly signal?: AbortSignal;
}

const PASSED: CheckResult = Object.freeze({ error: null });

export async function checkTarget(target: CheckTarget, around: CheckSurroundings): Promise<CheckResult> {
  let socket: Socket | null = null;
  const callOff = (): void => void socket?.destroy();
  around.signal?.addEventListener('abort', callOff);
  try {
    socket = openSocket(target, around);
    await within(connected(socket, target, around), target.connectTimeoutMs, 'no connection');
    if (target.path !== null) await within(answered(socket, target, target.path), target.timeoutMs, 'no answer');
    return PASSED;
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  } finally {
    around.signal?.removeEventListener('abort', callOff);
    socket?.destroy();
  }
}

function openSocket(target: CheckTarget, around: CheckSurroundings): Socket {
  const { address, port, tlsName } = target;
  const where = { host: address, port, ...(around.lookup === undefined ? {} : { lookup: around.lookup }) };
  if (target.protocol === 'http') return tcpConnect(where);
  const options: ConnectionOptions = {
    ...where,
    // SNI carries names alone (RFC 6066 section 3).
    ...(isIP(tlsName) === 0 ? { servername: tlsName } : {}),
    ...(target.ca === null ? {} : { ca: target.ca }),
    ALPNProtocols: ['http/1.1'],
    checkServerIdentity: (_host, certificate) => checkServerIdentity(tlsName, certificate),
    // Verified all the same, in `connected`: a connection that was cut would not show us the certificate.
    rejectUnauthorized: false,
  };
  return tlsConnect(options);
}

function connected(socket: Socket, target: CheckTarget, around: CheckSurroundings): Promise<void> {
  return new Promise((resolve, reject) => {
    let stage = 'connect';
    socket.once('connect', () => {
      stage = 'TLS handshake';
      if (target.protocol === 'http') resolve();
    });
    socket.once('secureConnect', () => {
      const problem = target.insecureSkipVerify ? null : verificationProblem(socket as TLSSocket, target, around.now());
      if (problem === null) resolve();
      else reject(new Error(problem));
    });
    // Stays on: a broken connection must not become an uncaught error after the check is over.
    socket.on('error', (error: NodeJS.ErrnoException) => reject(new Error(`${stage} ${reasonOf(error)}`)));
    socket.once('close', () => reject(new Error(`${stage}: connection closed`)));
  });
}

function verificationProblem(socket: TLSSocket, target: CheckTarget, nowMs: number): string | null {
  if (socket.authorized) return null;
  // The types say Error; Node puts the error's code there.
  const code = String(socket.authorizationError);
  return certificateProblem(code, socket.getPeerCertificate(), target.tlsName, nowMs);
}

function answered(socket: Socket, target: CheckTarget, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({
      createConnection: () => socket,
      method: 'GET',
      path,
      headers: { Host: target.host, 'User-Agent': 'migration-proxy', Accept: '*/*', Connection: 'close' },
    });
    asked.once('response', (response) => {
      // The head is the answer; what follows it is cut off with the connection.
      response.on('error', () => {});
      const status = response.statusCode ?? 0;
      if (status < 500) resolve();
      else reject(new Error(`GET ${path} answered ${status}`));
    });
    // An Upgrade nobody asked for.
    asked.once('upgrade', (response) => reject(new Error(`GET ${path} answered ${response.statusCode}`)));
    asked.on('error', (error: NodeJS.ErrnoException) => reject(new Error(`GET ${path}: ${reasonOf(error)}`)));
    asked.end();
  });
}

/** `ECONNREFUSED`; several addresses tried: what the last of them said. */
function reasonOf(error: NodeJS.ErrnoException): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors.at(-1));
  if (error.code?.startsWith('ERR_SSL') || error.code === undefined) return error.message;
  if (error.syscall === 'getaddrinfo') return `${error.code}: the name is not known`;
  return error.code;
}

async function within(work: Promise<void>, limitMs: number, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const isLate = (): void => reject(new Error(`${what} within ${durationText(limitMs)}`));
    // Node polls sockets between timers and immediates: were we kept from running, the answer may be waiting for us.
    timer = setTimeout(() => setImmediate(isLate), limitMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // It lost the race; whatever it says now is nobody's business.
    work.catch(() => {});
  }
}
