/**
 * The endpoints that change something: guarded first, then read strictly, then handed to the backend.
 * In: a request. Out: the service's report after the change with `pending` (202 while other replicas do not know yet), or
 * a problem. Nothing of the body is read before the guard has let the request in.
 */
import type { Request, Response } from 'express';
import type { AdminBackend, WriteResult } from './backend.ts';
import { type AdminContext, type Endpoint, pathName } from './endpoint.ts';
import { FailedAttempts } from './failed-attempts.ts';
import { refusalOf } from './guard.ts';
import { type Problem, sendProblem } from './problem.ts';
import { NO_SUCH_SERVICE } from './read-endpoints.ts';
import { readBody } from './request-body.ts';
import { type Parsed, parseChange, parseReason } from './write-body.ts';

type Write<T> = (name: string, value: T, who: string) => Promise<WriteResult>;

export function writeEndpoints(context: AdminContext): readonly Endpoint[] {
  const { backend } = context;
  const failedAttempts = new FailedAttempts();

  function writing<T>(parse: (body: Uint8Array) => Parsed<T>, write: Write<T>): Endpoint['answer'] {
    return async (request, response) => {
      const refused = guardProblem(context, failedAttempts, request);
      if (refused !== null) return sendProblem(response, refused);
      const body = await readBody(request);
      if (body === null) return;
      const parsed = 'problem' in body ? body : parse(body.value);
      if ('problem' in parsed) return sendProblem(response, parsed.problem);
      const name = pathName(request);
      sendResult(response, backend, name, await write(name, parsed.value, whoOf(request)));
    };
  }

  return [
    {
      method: 'PATCH',
      path: '/api/v1/services/{name}',
      summary: 'Sets the percentage: {"percentage": 30, "reason": "..."}',
      answer: writing(parseChange, (name, { percentage, reason }, who) => {
        return backend.setPercentage(name, percentage, { who, reason, scope: 'own' });
      }),
    },
    {
      method: 'POST',
      path: '/api/v1/services/{name}/abort',
      summary: 'Holds the service on the old cluster: {"reason": "..."}',
      answer: writing(parseReason, (name, { reason }, who) => backend.abort(name, who, reason)),
    },
    {
      method: 'POST',
      path: '/api/v1/services/{name}/resume',
      summary: 'Ends the hold: {"reason": "..."}',
      answer: writing(parseReason, (name, { reason }, who) => backend.resume(name, who, reason)),
    },
  ];
}

function guardProblem(context: AdminContext, failed: FailedAttempts, request: Request): Problem | null {
  const peerAddress = request.socket.remoteAddress ?? '';
  const { headersDistinct: headers } = request;
  if (context.token !== null) {
    const waitMs = failed.waitMs(peerAddress, context.nowMs());
    if (waitMs > 0) return tooManyAttempts(waitMs);
  }
  const { token, withoutToken } = context;
  const policy = { token, withoutToken, boundAddress: context.boundAddress() };
  const refusal = refusalOf(policy, { peerAddress, headers });
  if (refusal === null) return null;
  const { code, detail } = refusal;
  if (code === 'forbidden') return { code, detail };
  // A request that shows no token is a mistake, not a guess.
  const showed = headers.authorization !== undefined;
  if (showed) failed.add(peerAddress, context.nowMs());
  const challenge = `Bearer realm="migration-proxy"${showed ? ', error="invalid_token"' : ''}`;
  return { code, detail, headers: { 'WWW-Authenticate': challenge } };
}

function tooManyAttempts(waitMs: number): Problem {
  const seconds = Math.ceil(waitMs / 1_000);
  const detail = `too many wrong tokens from this address: wait ${seconds} s`;
  return { code: 'too_many_attempts', detail, headers: { 'Retry-After': String(seconds) } };
}

/** Who is said to have made a change: a claim, as all who write share one token. */
function whoOf(request: Request): string {
  const claim = request.headersDistinct['x-migration-proxy-user']?.[0].trim() ?? '';
  return /^[\x20-\x7e]{1,64}$/.test(claim) ? claim : 'admin-api';
}

function sendResult(response: Response, backend: AdminBackend, name: string, result: WriteResult): void {
  if (!result.ok) {
    const { code, message } = result;
    sendProblem(response, code === 'no_such_service' ? NO_SUCH_SERVICE : { code, detail: message });
    return;
  }
  const { pending, message } = result;
  const service = backend.service(name);
  response.status(pending ? 202 : 200).json({ ...service, pending, message });
}
