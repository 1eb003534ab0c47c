/**
 * The server blocks of hosts, as the template prints them. In: servers with their routes, upstreams, values to print. Out: one model
 * a server; upstream blocks and CA files are asked for as they are needed. Knows nothing of decisions.
 */
import { createHash } from 'node:crypto';
import { variable } from './expression.ts';
import { hostName, pemFile } from './grammar.ts';
import type { Listen } from './http-settings.ts';
import {
  firstLane,
  type Lane,
  type LaneParts,
  type LaneUpstream,
  lane,
  lanesOf,
  laneTls,
  timeoutsOf,
} from './lanes.ts';
import { quote } from './quote.ts';
import type { Route, Server } from './routes.ts';
import type { NginxSettings } from './settings.ts';
import { type Token, token } from './token.ts';
import type { Peer, Upstreams } from './upstreams.ts';

/** Files that the text names, each by its content, so that a new text never changes a file of the one that runs. */
export class NamedFiles {
  readonly contents = new Map<string, string>();
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Returns the absolute path. */
  add(folder: string, ending: string, content: string): string {
    const path = `${folder}/${createHash('sha256').update(content).digest('hex')}${ending}`;
    this.contents.set(path, content);
    return `${this.#directory}/${path}`;
  }
}

export interface ServerParts {
  readonly upstreams: Upstreams;
  readonly files: NamedFiles;
  readonly settings: NginxSettings;
  readonly values: { readonly lane: Token };
  readonly listens: readonly Listen[];
}

export function printedServers(servers: readonly Server[], parts: ServerParts) {
  const flag = flagPaths(parts.settings.directory);
  return servers.map((server) => printedServer(server, parts, flag));
}

function printedServer(
  server: Server,
  parts: ServerParts,
  flag: Readonly<Record<'flags' | 'classFlag' | 'anySlotFlag' | 'slotFlag', Token>>,
) {
  const { listens } = parts;
  const { routes, divided } = server;
  const withParts = routes.map(({ route, suffix }) => ({ route, suffix, lanes: laneParts(route, suffix, parts) }));
  const [only] = withParts;
  const migrates = routes.some(({ route }) => route.new !== null);
  return {
    listens,
    hosts: server.hosts.map((host) => ({ host: hostName(host, 'old_host') })),
    timeouts: divided ? null : timeoutsOf(only.route),
    divided,
    ...(migrates ? flag : NO_FLAGS),
    first: divided ? null : firstLane(only.route, only.lanes),
    lanes: withParts.flatMap(({ route, lanes }): Lane[] => lanesOf(route, lanes)),
    loops: withParts.map(({ suffix }) => ({ name: lane('loop', suffix) })),
  };
}

const NO_FLAGS = { flags: null, classFlag: null, anySlotFlag: null, slotFlag: null };

/** The files by which a service that is not steady is known: its own, that of the request's class, those of the single slot. */
function flagPaths(directory: string) {
  const file = (...rest: Parameters<typeof quote>[0]): Token =>
    quote([`${directory}/flags/`, variable('flag'), ...rest], 'flag file');
  return {
    flags: file(),
    classFlag: file('.', variable('probe_class')),
    anySlotFlag: file('.any'),
    slotFlag: file('.', variable('slot_flag')),
  };
}

function laneParts(route: Route, suffix: string, parts: ServerParts): LaneParts {
  return {
    old: laneUpstream(route.old, parts),
    new: route.new === null ? null : laneUpstream(route.new.peer, parts),
    suffix,
    anyLane: parts.values.lane,
    ownTimeouts: suffix !== '',
  };
}

function laneUpstream(peer: Peer, { upstreams, files }: ServerParts): LaneUpstream {
  const { target, tlsName } = peer;
  const { name, addresses } = upstreams.use(peer);
  const ca = target.tls.ca === null ? null : files.add('tls', '.pem', pemFile(target.tls.ca, 'ca'));
  return {
    url: token(`${target.protocol}://${name}`),
    addresses,
    tls: tlsName === null ? null : laneTls(tlsName, target.tls, ca),
  };
}
