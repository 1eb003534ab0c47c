/**
 * The endpoints that only tell: open to whoever reaches the port. None of them changes anything.
 */
import type { Response } from 'express';
import type { ServiceReport, StatusReport } from '../status/report.ts';
import { type AdminContext, type Endpoint, pathName, queryOf } from './endpoint.ts';
import { parseExplainQuery } from './explain-query.ts';
import { scrape } from './metrics.ts';
import { type Problem, sendProblem } from './problem.ts';

export const NO_SUCH_SERVICE: Problem = { code: 'no_such_service', detail: 'no service of that name is served' };

export function readEndpoints({ backend, version, replica }: AdminContext): readonly Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/health',
      summary: 'How the proxy is, in a few words; 503 while it is not ready',
      answer: (_, response) => {
        const waitingFor = backend.notReady();
        response.status(waitingFor === null ? 200 : 503).json({
          status: waitingFor === null ? 'ok' : 'not_ready',
          waiting_for: waitingFor,
          version,
          replica,
          ...summary(backend.status()),
        });
      },
    },
    {
      method: 'GET',
      path: '/livez',
      summary: 'The process turns',
      answer: (_, response) => sendText(response, 'ok\n'),
    },
    {
      method: 'GET',
      path: '/readyz',
      summary: 'A configuration is loaded and traffic is accepted; 503 says what is missing',
      answer: (_, response) => {
        const waitingFor = backend.notReady();
        if (waitingFor === null) sendText(response, 'ready\n');
        else sendProblem(response, { code: 'not_ready', detail: waitingFor });
      },
    },
    {
      method: 'GET',
      path: '/metrics',
      summary: 'Metrics for Prometheus',
      answer: async (_, response) => {
        const text = await scrape(backend.registry);
        response.set('Content-Type', backend.registry.contentType).send(text);
      },
    },
    {
      method: 'GET',
      path: '/status',
      summary: 'Everything about every service',
      answer: (_, response) => {
        response.json(backend.status());
      },
    },
    {
      method: 'GET',
      path: '/api/v1/services',
      summary: 'The services of /status',
      answer: (_, response) => {
        response.json({ services: backend.status().services });
      },
    },
    {
      method: 'GET',
      path: '/api/v1/services/{name}',
      summary: 'One service of /status',
      answer: (request, response) => {
        const service = backend.status().services.find(({ name }) => name === pathName(request));
        if (service === undefined) sendProblem(response, NO_SUCH_SERVICE);
        else response.json(service);
      },
    },
    {
      method: 'GET',
      path: '/api/v1/services/{name}/explain',
      summary: 'How an imagined request (header, cookie, ip, user) would be decided, and why',
      answer: (request, response) => {
        const parsed = parseExplainQuery(queryOf(request));
        if ('problem' in parsed) return sendProblem(response, parsed.problem);
        const explanation = backend.explain(pathName(request), parsed.value);
        if (explanation === null) sendProblem(response, NO_SUCH_SERVICE);
        else response.json(explanation);
      },
    },
  ];
}

function summary({ generation, config, services }: StatusReport) {
  const count = (is: (service: ServiceReport) => boolean) => services.filter(is).length;
  return {
    generation,
    config_errors: config.errors.length,
    services: {
      total: services.length,
      steady: count(({ state }) => state === 'steady'),
      fallen_back: count(({ state }) => state === 'fallen_back'),
      probing: count(({ state }) => state === 'probing'),
      held: count(({ hold }) => hold !== null),
      stale: count(({ stale }) => stale),
      invalid: count(({ invalid }) => invalid),
    },
  };
}

function sendText(response: Response, text: string): void {
  response.type('text/plain').send(text);
}
