/**
 * The demo's fault switches over HTTP: `POST /new/break?how=refuse` and `POST /new/heal` in, toy clusters broken and healed.
 * GET shows how they are. Refuses everything else with what would be right.
 */
import { createServer, type Server } from 'node:http';
import { FAULTS, isFault, type ToyCluster } from './clusters.ts';

const USAGE = `POST /CLUSTER/break?how=${Object.keys(FAULTS).join('|')} or POST /CLUSTER/heal\n`;

/** Listens on 127.0.0.1:`port`; `changed` gets one line for each switch that was thrown. */
export function listenForSwitches(
  port: number,
  clusters: readonly ToyCluster[],
  changed: (line: string) => void,
): Promise<Server> {
  const server = createServer((request, response) => {
    const reply = (status: number, text: string): void => {
      response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(text);
    };
    request.resume();
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (request.method === 'GET' && url.pathname === '/')
      return reply(200, clusters.map(describeCluster).join('') + USAGE);
    const [, name, action] = url.pathname.split('/');
    const cluster = clusters.find((candidate) => candidate.name === name);
    if (cluster === undefined)
      return reply(404, `no cluster ${name}: ${clusters.map((c) => c.name).join(' or ')}\n${USAGE}`);
    if (request.method !== 'POST') return reply(405, USAGE);
    const how = url.searchParams.get('how') ?? 'refuse';
    const thrown = action === 'heal' ? cluster.heal() : action === 'break' && isFault(how) ? cluster.break(how) : null;
    if (thrown === null) return reply(400, USAGE);
    thrown.then(
      () => {
        changed(describeCluster(cluster).trimEnd());
        reply(200, describeCluster(cluster));
      },
      (error: Error) => reply(500, `${error.message}\n`),
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

function describeCluster(cluster: ToyCluster): string {
  return `${cluster.name}: ${cluster.fault === null ? 'healthy' : `broken: ${FAULTS[cluster.fault]}`}\n`;
}
