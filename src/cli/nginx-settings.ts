/**
 * What nginx's text depends on besides the services, from the flags and this machine. In: the flags, the nginx's version. Out:
 * settings, the same wherever flags and machine are: `run`, `render` and `diff` agree.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { CaBundle } from '../nginx/ca-bundle.ts';
import type { NginxSettings, NginxVersion, OptionalModule } from '../nginx/text/settings.ts';
import { cannot } from './failure.ts';
import { mostFiles } from './most-files.ts';
import { limitsOf, type TrafficOptions } from './run-options.ts';

/** In memory: each request looks at a flag file there, and leaves a line. */
const MEMORY = '/dev/shm';

export interface NginxHere {
  readonly version: NginxVersion;
  readonly lacks: readonly OptionalModule[];
  /** Absolute; null: this nginx has none. */
  readonly njsModule: string | null;
  /** Whether its TLS can be told of a directory of CAs. */
  readonly tlsCommands: boolean;
}

export function nginxDirectory({ listen, nginxDir }: TrafficOptions): string {
  if (nginxDir !== undefined) return isAbsolute(nginxDir) ? nginxDir : resolve(nginxDir);
  const base = existsSync(MEMORY) ? MEMORY : '/tmp';
  return join(base, `migration-proxy-${process.getuid?.() ?? 0}`, String(listen.port));
}

/** Throws CliFailure (code 2). */
export function nginxSettings(options: TrafficOptions, here: NginxHere, bundle: CaBundle): NginxSettings {
  const { listen, nginxAccessLog } = options;
  if (options.nginxGzip === 'on' && here.lacks.includes('gzip')) {
    throw cannot('--nginx-gzip on needs an nginx with gzip, and this one is built with --without-http_gzip_module');
  }
  if (listen.port === 0) throw cannot('the nginx plane needs a port of its own, such as --listen :8000');
  return {
    version: here.version,
    lacks: here.lacks,
    listen,
    place: placeOf(listen),
    directory: nginxDirectory(options),
    instance: options.instance,
    user: process.getuid?.() === 0 ? workerUser() : null,
    workers: options.nginxWorkers ?? availableParallelism(),
    shutdownTimeoutMs: options.nginxShutdownTimeout,
    gzip: options.nginxGzip,
    accessLogFile: nginxAccessLog === undefined ? null : resolve(nginxAccessLog),
    detail: options.accessLog === 'all' ? 'full' : 'brief',
    njsModule: here.njsModule,
    caBundle: bundle.path,
    caDirectory: here.tlsCommands ? bundle.directory : null,
    mostFiles: mostFiles(),
    limits: limitsOf(options),
  };
}

/** A hash: clients see it, and a host's or pod's name is none of their business. */
function placeOf({ host, port }: TrafficOptions['listen']): string {
  return createHash('sha256')
    .update(`${hostname()} ${host ?? ''}:${port}`)
    .digest('hex')
    .slice(0, 12);
}

/** Started by root, nginx gives its workers to somebody who may do less: a user that has a group of its own name. */
function workerUser(): string {
  const namesIn = (file: string): Set<string> => {
    try {
      return new Set(
        readFileSync(file, 'utf8')
          .split('\n')
          .map((line) => line.split(':')[0]),
      );
    } catch {
      return new Set();
    }
  };
  const [users, groups] = [namesIn('/etc/passwd'), namesIn('/etc/group')];
  return ['nginx', 'www-data', 'nobody'].find((name) => users.has(name) && groups.has(name)) ?? 'root';
}
