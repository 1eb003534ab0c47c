/**
 * The server blocks of hosts, as the template prints them. In: servers with their routes, upstreams, values to print. Out: one model
 * a server; upstream blocks and CA files are asked for as they are needed. Knows nothing of decisions.
 */
import { type LaneTls, laneTls, sharedTls, tlsWords, trustsDefault } from './authorities.ts';
import { type Expression, type Part, variable } from './expression.ts';
import { flagId } from './flag-id.ts';
import { hostName } from './grammar.ts';
import type { Listen } from './http-settings.ts';
import { firstLane, type Lane, type LaneParts, type LaneUpstream, lane, lanesOf, timeoutsOf } from './lanes.ts';
import type { NamedFiles } from './named-files.ts';
import type { PrintedValues } from './printed-values.ts';
import { quote } from './quote.ts';
import type { Route, Server } from './routes.ts';
import type { NginxSettings } from './settings.ts';
import { Holes } from './shapes.ts';
import { type Token, token } from './token.ts';
import type { Peer, Upstreams } from './upstreams.ts';

export interface ServerParts {
  readonly upstreams: Upstreams;
  readonly files: NamedFiles;
  readonly settings: NginxSettings;
  readonly values: PrintedValues;
  readonly listens: readonly Listen[];
}

/** `tls`: locations that speak TLS to their backend, and those of them that verify it with the default CAs. */
export function printedServers(servers: readonly Server[], parts: ServerParts) {
  const tls = { locations: 0, trustingDefault: 0 };
  const size: TextSize = servers.length > FEW_SERVERS ? 'large' : 'small';
  const printed = servers.map((server) => {
    const holes = new Holes();
    const lanes = serverLanes(server, parts, holes);
    const spoken = tlsOf(lanes);
    tls.locations += spoken.length;
    tls.trustingDefault += spoken.filter(trustsDefault).length;
    return { model: printedServer(server, lanes, parts, holes, size), words: holes.words };
  });
  return { servers: printed, tls };
}

/** Large: so many servers that what each has of its own does not stay in the processor's caches. */
type TextSize = 'small' | 'large';

interface ServerLanes {
  /** What `/` is; null: it says where to go. */
  readonly first: Lane | null;
  readonly named: readonly Lane[];
}

function serverLanes({ routes, divided }: Server, parts: ServerParts, holes: Holes): ServerLanes {
  const withParts = routes.map(({ route, suffix }) => ({ route, lanes: laneParts(route, suffix, parts, holes) }));
  const [only] = withParts;
  return {
    first: divided ? null : firstLane(only.route, only.lanes),
    named: withParts.flatMap(({ route, lanes }) => lanesOf(route, lanes)),
  };
}

function tlsOf({ first, named }: ServerLanes): LaneTls[] {
  return [...(first === null ? [] : [first]), ...named].flatMap(({ tls }) => tls ?? []);
}

/**
 * With headers of its own in each server a request makes a dozen look-ups less (4 300 instructions). But then each has tables of its
 * own for them, a third of what a request has to fetch from memory: among 1 000 servers 138 cache lines of 64 bytes
 * that are not in 2 MB of cache instead of 103, and 8 % more time to load them (nginx 1.22.1, by callgrind).
 */
const FEW_SERVERS = 256;

/** `ordinary`: the words of `/` for most requests; null: those of all. `keepsNames`: it has to say that nothing is renamed. */
function ordinaryWords(first: Lane | null, { values }: ServerParts, size: TextSize) {
  const ordinary = first === null || size === 'large' ? null : values;
  return { ordinary, keepsNames: first !== null && ordinary === null && values.renames };
}

function printedServer(server: Server, lanes: ServerLanes, parts: ServerParts, holes: Holes, size: TextSize) {
  const { listens, settings } = parts;
  const { hosts, routes, divided } = server;
  const shared = sharedTls(tlsOf(lanes));
  const printed = (lane: Lane) => ({ ...lane, tls: lane.tls === null ? null : tlsWords(lane.tls, shared, settings) });
  const named = lanes.named.map(printed);
  const migrates = routes.some(({ route }) => route.new !== null);
  return {
    listens,
    hosts: hosts.map((host) => ({ host: holes.of(hostName(host, 'old_host')) })),
    timeouts: divided ? null : timeoutsOf(routes[0].route),
    tls: shared === null ? null : tlsWords(shared, null, settings),
    divided,
    ...(migrates ? flagPaths(settings.directory, server, holes) : NO_FLAGS),
    first: lanes.first === null ? null : printed(lanes.first),
    ...ordinaryWords(lanes.first, parts, size),
    lanes: named,
    // Where @failed would make a 502 of it.
    timesOut: named.some(({ after }) => after?.isChosen),
    loops: routes.map(({ suffix }) => ({ name: lane('loop', suffix) })),
  };
}

const NO_FLAGS = { flags: null, classFlag: null, slotFlag: null };

/**
 * The files by which a service that is not steady is known: its own, that of the request's class, that of the single slot. A server
 * of one service has its name in them, which saves each request a look-up.
 */
function flagPaths(directory: string, { routes }: Server, holes: Holes) {
  const names = routes.flatMap(({ services }) => services);
  const [one] = names;
  const id: Part = names.length === 1 ? flagId(one) : variable('flag');
  const file = (...rest: Expression): Token => {
    const path = quote([`${directory}/flags/`, id, ...rest], 'flag file');
    return names.length === 1 ? holes.of(path) : path;
  };
  return {
    flags: file(),
    classFlag: file('.', variable('probe_class')),
    slotFlag: file('.', variable('slot_flag')),
  };
}

function laneParts(route: Route, suffix: string, parts: ServerParts, holes: Holes): LaneParts {
  return {
    old: laneUpstream(route.old, parts, holes),
    new: route.new === null ? null : laneUpstream(route.new.peer, parts, holes),
    suffix,
    anyLane: parts.values.lane,
    ownTimeouts: suffix !== '',
  };
}

function laneUpstream(peer: Peer, { upstreams, files, settings }: ServerParts, holes: Holes): LaneUpstream {
  const { target, tlsName } = peer;
  const { name, addresses } = upstreams.use(peer);
  return {
    url: holes.of(token(`${target.protocol}://${name}`)),
    addresses,
    tls: tlsName === null ? null : withHoles(laneTls(tlsName, target.tls, files, settings), holes),
  };
}

function withHoles({ name, verified, authority }: LaneTls, holes: Holes): LaneTls {
  return { name: holes.of(name), verified, authority: authority === null ? null : holes.of(authority) };
}
