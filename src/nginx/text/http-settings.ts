/**
 * What the text says because of settings alone: process, listeners, limits, logs. In: settings. Out: words for the templates.
 * Knows no service.
 */
import { absolutePath, duration, endpoint, portNumber, size, userName, wholeNumber } from './grammar.ts';
import { isAtLeast, type NginxSettings } from './settings.ts';
import { type Token, token } from './token.ts';

export interface Listen {
  readonly address: Token;
  readonly ipv6only: boolean;
}

export type HttpSettings = ReturnType<typeof httpSettings>;

/** A client with an attempt under way has two connections; the rest is for health, idle backends and what is closing. */
const SPARE_CONNECTIONS = 1_024;
const CONNECTIONS_WITHOUT_LIMIT = 16_384;
/** Logs, listeners, spooled files. */
const SPARE_FILES = 512;

export function httpSettings(settings: NginxSettings) {
  const { limits } = settings;
  const connections =
    limits.maxConnections === 0 ? CONNECTIONS_WITHOUT_LIMIT : limits.maxConnections * 2 + SPARE_CONNECTIONS;
  return {
    directory: absolutePath(settings.directory, 'nginx directory'),
    user: settings.user === null ? null : userName(settings.user, 'user'),
    workers: wholeNumber(settings.workers, 'workers'),
    openFiles: wholeNumber(connections + SPARE_FILES, 'open files'),
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
    gzip: settings.gzip === 'on',
    accessLog: settings.accessLogFile === null ? null : absolutePath(settings.accessLogFile, 'access log'),
  };
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
