/**
 * The endpoints that only tell: open to whoever reaches the port. None of them changes anything.
 */
import type { Response } from 'express';
import { chosenEntries } from '../status/history-entries.ts';
import type { Overview } from './backend.ts';
import { type AdminContext, type Endpoint, pathName, queryOf } from './endpoint.ts';
import { parseExplainQuery } from './explain-query.ts';
import { parseHistoryQuery } from './history-query.ts';
import { inSlices, jsonTexts } from './in-slices.ts';
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
          ...summary(backend.overview()),
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
        const text = await backend.metrics.scrape();
        response.set('Content-Type', backend.metrics.contentType).send(text);
      },
    },
    {
      method: 'GET',
      path: '/status',
      summary: 'Everything about every service',
      answer: async (_, response) => {
        const { services, ...head } = backend.status();
        await sendServices(response, head, services);
      },
    },
    {
      method: 'GET',
      path: '/api/v1/services',
      summary: 'The services of /status',
      answer: (_, response) => sendServices(response, {}, backend.status().services),
    },
    {
      method: 'GET',
      path: '/api/v1/history',
      summary: 'The last changes (service, limit): who, when, from, to, why',
      answer: async (request, response) => {
        const parsed = parseHistoryQuery(queryOf(request));
        if ('problem' in parsed) return sendProblem(response, parsed.problem);
        const { service, limit } = parsed.value;
        const entries = chosenEntries(await backend.history(), service, limit);
        const isUnknown = service !== null && entries.length === 0 && backend.service(service) === null;
        if (isUnknown) sendProblem(response, NO_SUCH_SERVICE);
        else response.json({ entries });
      },
    },
    {
      method: 'GET',
      path: '/api/v1/services/{name}',
      summary: 'One service of /status',
      answer: (request, response) => {
        const service = backend.service(pathName(request));
        if (service === null) sendProblem(response, NO_SUCH_SERVICE);
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

function summary({ generation, configErrors, services }: Overview) {
  const counts = { total: 0, steady: 0, fallen_back: 0, probing: 0, held: 0, stale: 0, invalid: 0 };
  for (const { state, held, stale, invalid } of services) {
    counts.total++;
    counts[state]++;
    if (held) counts.held++;
    if (stale) counts.stale++;
    if (invalid) counts.invalid++;
  }
  return { generation, config_errors: configErrors, services: counts };
}

async function sendServices(response: Response, head: object, services: Iterable<unknown>): Promise<void> {
  response.type('json').send(await inSlices(jsonTexts(head, 'services', services)));
}

function sendText(response: Response, text: string): void {
  response.type('text/plain').send(text);
}
