/**
 * The endpoints that change something: guarded first, then read strictly, then handed to the backend.
 * In: a request. Out: the service's report after the change with `pending` (202 while other replicas do not know yet), or
 * a problem. Nothing of the body is read before the guard has let the request in.
 */
import type { Request, Response } from 'express';
import type { AdminBackend, WriteResult } from './backend.ts';
import { type AdminContext, type Endpoint, pathName } from './endpoint.ts';
import { type Problem, sendProblem } from './problem.ts';
import { NO_SUCH_SERVICE } from './read-endpoints.ts';
import { readBody } from './request-body.ts';
import { type Change, type Parsed, parseChange, parseReason } from './write-body.ts';
import type { WriteGuard } from './write-guard.ts';

type Write<T> = (name: string, value: T, who: string) => Promise<WriteResult>;

export function writeEndpoints({ backend }: AdminContext, guard: WriteGuard): readonly Endpoint[] {
  function writing<T>(parse: (body: Uint8Array) => Parsed<T>, write: Write<T>): Endpoint['answer'] {
    return async (request, response) => {
      const refused = guard(request);
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
      answer: writing<Change>(parseChange, (name, { percentage, ...wish }, who) => {
        return backend.setPercentage(name, percentage, { who, ...wish });
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

/** Who is said to have made a change: a claim, as all who write share one token. */
function whoOf(request: Request): string {
  const claim = request.headersDistinct['x-migration-proxy-user']?.[0].trim() ?? '';
  return /^[\x20-\x7e]{1,64}$/.test(claim) ? claim : 'admin-api';
}

function sendResult(response: Response, backend: AdminBackend, name: string, result: WriteResult): void {
  if (!result.ok) return sendProblem(response, problemOf(result));
  const { pending, message, difference } = result;
  const service = backend.service(name);
  response.status(pending ? 202 : 200).json({ ...service, pending, message, difference });
}

function problemOf(result: WriteResult & { readonly ok: false }): Problem {
  const { code, message: detail } = result;
  if (code === 'no_such_service') return NO_SUCH_SERVICE;
  if (code !== 'managed') return { code, detail };
  return { code, detail, members: { manager: result.manager, difference: result.difference } };
}
