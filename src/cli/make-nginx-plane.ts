/**
 * The nginx plane for `run`: flags and the nginx of this machine in, a plane out that is not started yet. What happens to nginx
 * has its lines in the log.
 */

import type { Log } from '../controller/log.ts';
import { caBundle } from '../nginx/ca-bundle.ts';
import { createNginxPlane, type PlaneProblem } from '../nginx/create-plane.ts';
import { NginxNotStarted, type NginxPlane, type PlaneEvent } from '../nginx/nginx-plane.ts';
import { DirectoryProblem } from '../nginx/process/directory.ts';
import type { NginxEvent } from '../nginx/process/options.ts';
import { filesOf, type NginxSettings } from '../nginx/text/settings.ts';
import { cannot } from './failure.ts';
import { nginxHere } from './nginx-here.ts';
import { nginxDirectory, nginxSettings } from './nginx-settings.ts';
import type { RunOptions } from './run-options.ts';
import type { MakePlane, TrafficPlane } from './traffic-plane.ts';

/** Throws CliFailure (code 2) where there is no nginx that we can use. */
export async function makeNginxPlane(options: RunOptions): Promise<MakePlane> {
  const here = await nginxHere(options.nginx);
  const bundle = caBundle(nginxDirectory(options));
  const settings = nginxSettings(options, here, bundle);
  return ({ observer, now, setTimer, lookup, log, onRefusals }) => {
    const onEvent = (event: PlaneEvent | NginxEvent | PlaneProblem): void => {
      if (event.kind === 'taken') onRefusals(event.refusals);
      else logEvent(log, event);
    };
    const { program } = here;
    warnOfFiles(log, settings);
    const startedBy = options.nginxStart;
    const around = { observer, now, setTimer, lookup, onEvent };
    const plane = createNginxPlane({ settings, bundle, nginx: program, startedBy, ...around });
    return listening(plane, options);
  };
}

function warnOfFiles(log: Log, settings: NginxSettings): void {
  const { wanted, open } = filesOf(settings);
  if (open === null || open >= wanted) return;
  const { maxConnections } = settings.limits;
  const asked = maxConnections === 0 ? 'any number of clients' : `--max-connections ${maxConnections}`;
  log.warn(
    { code: 'nginx_open_files', wanted, open },
    `each worker of nginx may open ${open} files, and ${asked} may need ${wanted}: raise the limit (ulimit -Hn, LimitNOFILE=)${maxConnections === 0 ? '' : ' or lower --max-connections'}`,
  );
}

function listening(plane: NginxPlane, { listen: { host, port } }: RunOptions): TrafficPlane {
  return Object.assign(plane, {
    listen: async () => {
      try {
        await plane.start();
      } catch (error) {
        if (error instanceof NginxNotStarted) throw cannot(`nginx does not serve: ${error.message}`);
        if (error instanceof DirectoryProblem) throw cannot(error.message);
        throw error;
      }
      return { host: host ?? '::', port };
    },
  });
}

type LoggedEvent = Exclude<PlaneEvent, { kind: 'taken' }> | NginxEvent | PlaneProblem;

function logEvent(log: Log, event: LoggedEvent): void {
  const code = `nginx_${event.kind}`;
  switch (event.kind) {
    case 'installed':
      return log.info(
        { code, generation: event.generation, took_ms: Math.round(event.tookMs) },
        `nginx serves generation ${event.generation}`,
      );
    case 'failed':
      return log.error(
        { code, stage: event.stage, again_ms: event.againMs },
        `nginx keeps what it served: ${event.stage}: ${event.message}`,
      );
    case 'refused':
      return log.warn({ code, service: event.service }, `${event.service}: ${event.message}`);
    case 'exited':
      return log.error({ code, pid: event.pid }, `nginx ended by itself and is started again: ${event.message}`);
    case 'restarted':
      return log.warn({ code, pid: event.pid }, 'nginx serves again');
    case 'restart_failed':
      return log.error({ code, again_ms: event.nextTryMs }, `nginx could not be started again: ${event.message}`);
    case 'problem':
      return log.error({ code }, event.message);
    default:
      return log.warn({ code }, event.message);
  }
}
