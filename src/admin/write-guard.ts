/**
 * The guard as requests meet it: who may write, and how often one peer may show a wrong token.
 * In: a request whose body was not touched yet. Out: null, or the problem to answer with. One for all that writes, so that wrong
 * tokens count together.
 */
import type { Request } from 'express';
import type { AdminContext } from './endpoint.ts';
import { FailedAttempts } from './failed-attempts.ts';
import { refusalOf } from './guard.ts';
import type { Problem } from './problem.ts';

export type WriteGuard = (request: Request) => Problem | null;

export function createWriteGuard(context: AdminContext): WriteGuard {
  const failed = new FailedAttempts();
  return (request) => {
    const peerAddress = request.socket.remoteAddress ?? '';
    const { headersDistinct: headers } = request;
    const token = typeof context.token === 'function' ? context.token() : context.token;
    if (token !== null) {
      const waitMs = failed.waitMs(peerAddress, context.nowMs());
      if (waitMs > 0) return tooManyAttempts(waitMs);
    }
    const policy = { token, withoutToken: context.withoutToken, boundAddress: context.boundAddress() };
    const refusal = refusalOf(policy, { peerAddress, headers });
    if (refusal === null) return null;
    const { code, detail } = refusal;
    if (code === 'forbidden') return { code, detail };
    // A request that shows no token is a mistake, not a guess.
    const showed = headers.authorization !== undefined;
    if (showed) failed.add(peerAddress, context.nowMs());
    const challenge = `Bearer realm="migration-proxy"${showed ? ', error="invalid_token"' : ''}`;
    return { code, detail, headers: { 'WWW-Authenticate': challenge } };
  };
}

function tooManyAttempts(waitMs: number): Problem {
  const seconds = Math.ceil(waitMs / 1_000);
  const detail = `too many wrong tokens from this address: wait ${seconds} s`;
  return { code: 'too_many_attempts', detail, headers: { 'Retry-After': String(seconds) } };
}
