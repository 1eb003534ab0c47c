/**
 * What the text says because of settings alone: process, listeners, limits, logs. In: settings. Out: words for the templates.
 * Knows no service.
 */
import { absolutePath, duration, endpoint, portNumber, size, userName, wholeNumber } from './grammar.ts';
import { filesOf, isAtLeast, type NginxSettings, type OptionalModule } from './settings.ts';
import { type Token, token } from './token.ts';

export interface Listen {
  readonly address: Token;
  readonly ipv6only: boolean;
}

/** Modules that want a directory for files, asked for anything or not. */
const TEMPS = ['fastcgi', 'uwsgi', 'scgi'] as const;

export type HttpSettings = ReturnType<typeof httpSettings>;

export function httpSettings(settings: NginxSettings) {
  const { limits } = settings;
  const { open, connections } = filesOf(settings);
  const has = (module: OptionalModule): boolean => !settings.lacks?.includes(module);
  return {
    directory: absolutePath(settings.directory, 'nginx directory'),
    user: settings.user === null ? null : userName(settings.user, 'user'),
    workers: wholeNumber(settings.workers, 'workers'),
    openFiles: open === null ? null : wholeNumber(open, 'open files'),
    connections: wholeNumber(connections, 'connections'),
    shutdownTimeout: duration(settings.shutdownTimeoutMs, 'shutdown timeout'),
    listens: listensOf(settings),
    headTimeout: duration(limits.headTimeoutMs, 'head timeout'),
    bodyTimeout: duration(limits.bodyTimeoutMs, 'body timeout'),
    sendTimeout: duration(limits.sendTimeoutMs, 'send timeout'),
    keepAlive: duration(limits.keepAliveMs, 'keep-alive timeout'),
    leastKeepAlive: leastKeepAlive(settings),
    headBytes: size(limits.maxHeadBytes, 'head bytes'),
    // nginx refuses 0, and one byte holds no body either.
    heldBytes: size(Math.max(limits.replayBytes, 1), 'replay bytes'),
    gzip: has('gzip') ? { on: settings.gzip === 'on' } : null,
    // Each would be made where the package has it, as another user.
    temps: TEMPS.filter(has).map((name) => tempOf(name, settings)),
    counts: has('stub_status'),
    accessLog: settings.accessLogFile === null ? null : absolutePath(settings.accessLogFile, 'access log'),
  };
}

function tempOf(name: (typeof TEMPS)[number], { directory }: NginxSettings) {
  return { directive: token(`${name}_temp_path`), path: absolutePath(`${directory}/temp/${name}`, 'nginx directory') };
}

function listensOf({ listen: { host, port } }: NginxSettings): Listen[] {
  if (host !== null) return [{ address: endpoint(host, port, 'listen'), ipv6only: host.includes(':') }];
  return [
    { address: portNumber(port, 'listen'), ipv6only: false },
    { address: token(`[::]:${portNumber(port, 'listen')}`), ipv6only: true },
  ];
}

/** Clients' idle connections outlive a reload by this (nginx 1.27.4 and later), so that no request meets a closing one. */
function leastKeepAlive({ version, limits, shutdownTimeoutMs }: NginxSettings): Token | null {
  if (!isAtLeast(version, 1, 27, 4)) return null;
  return duration(Math.min(limits.keepAliveMs, shutdownTimeoutMs), 'keep-alive timeout');
}
