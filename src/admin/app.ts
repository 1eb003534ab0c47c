/**
 * The express application of the admin server: what each path answers, and how everything else is turned down.
 * In: the context. Out: an application that any HTTP server can carry. Every error is a problem of RFC 9457, also express's
 * own; no answer is stored, sniffed, framed or shared with another origin. Refuses to know sockets and time limits.
 */
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { AdminContext, Endpoint } from './endpoint.ts';
import { type Problem, sendProblem } from './problem.ts';
import { readEndpoints } from './read-endpoints.ts';
import { replicaEndpoints } from './replica-endpoints.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import { writeEndpoints } from './write-endpoints.ts';
import { createWriteGuard } from './write-guard.ts';

const NOT_FOUND: Problem = { code: 'not_found', detail: 'nothing is here; GET / lists what is' };

export function createApp(context: AdminContext): Express {
  const app = express();
  for (const setting of ['x-powered-by', 'etag', 'query parser', 'trust proxy']) app.disable(setting);
  for (const setting of ['case sensitive routing', 'strict routing']) app.enable(setting);
  app.use(withSecurityHeaders, refuseAmbiguousTarget);
  for (const [path, endpoints] of Map.groupBy(endpointsOf(context), (endpoint) => endpoint.path)) {
    app.all(routeOf(path), byMethod(endpoints));
  }
  app.use((_, response) => sendProblem(response, NOT_FOUND));
  app.use(answerError(context.onError));
  return app;
}

export function endpointsOf(context: AdminContext): readonly Endpoint[] {
  const guard = createWriteGuard(context);
  const endpoints = [...readEndpoints(context), ...writeEndpoints(context, guard), ...replicaEndpoints(context, guard)];
  const listed = endpoints.map(({ method, path, summary }) => ({ method, path, summary }));
  const { version, replica } = context;
  const index: Endpoint = {
    method: 'GET',
    path: '/',
    summary: 'This list',
    answer: (_, response) => {
      response.json({ name: 'migration-proxy', version, replica, endpoints: listed });
    },
  };
  return [index, ...endpoints];
}

const withSecurityHeaders: RequestHandler = (_, response, next) => {
  response.set(SECURITY_HEADERS);
  next();
};

/** Two Hosts, or a target that names another host than Host does: who is asked is not clear, and the guard compares Host. */
const refuseAmbiguousTarget: RequestHandler = (request, response, next) => {
  const hosts = request.headersDistinct.host ?? [];
  if (hosts.length <= 1 && request.url.startsWith('/')) return next();
  sendProblem(response, { code: 'bad_request', detail: 'send one Host and a target that begins with /' });
};

/** As express writes it: `{rest}` is all that follows, every other name one segment. */
function routeOf(path: string): string {
  return path.replace('{rest}', '{*rest}').replaceAll(/\{(\w+)\}/g, ':$1');
}

function byMethod(endpoints: readonly Endpoint[]): RequestHandler {
  const answers = new Map<string, Endpoint['answer']>(endpoints.map(({ method, answer }) => [method, answer]));
  const get = answers.get('GET');
  if (get !== undefined) answers.set('HEAD', get);
  const allow = [...answers.keys(), 'OPTIONS'].join(', ');
  return (request, response) => {
    const answer = answers.get(request.method);
    if (answer !== undefined) return answer(request, response);
    // No word of cross-origin permissions: a browser's preflight ends here.
    if (request.method === 'OPTIONS') return void response.set('Allow', allow).status(204).end();
    sendProblem(response, { code: 'method_not_allowed', detail: `allowed here: ${allow}`, headers: { Allow: allow } });
  };
}

function answerError(onError: (error: unknown) => void): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error, _request, response, _next) => {
    const isClients = error?.status >= 400 && error?.status < 500;
    if (!isClients) onError(error);
    if (response.headersSent) return void response.destroy();
    sendProblem(
      response,
      isClients
        ? { code: 'bad_request', detail: 'the path cannot be read' }
        : { code: 'internal', detail: 'this is a mistake in the proxy; its log says more' },
    );
  };
}
