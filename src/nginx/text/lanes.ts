/**
 * The locations of a route: one for each way in which a request can be asked of a cluster, as the template prints them. In: a
 * route, the names of its upstreams. Out: lanes in the order in which a request may meet them. Which lane a request takes
 * the tables decide (`$lane`); what follows a failed one stands here.
 */
import type { LaneTls } from './authorities.ts';
import { duration, laneName, statusCode } from './grammar.ts';
import type { Route } from './routes.ts';
import { type Token, token } from './token.ts';

export interface Timeouts {
  /** Null: the server's. */
  readonly connect: Token | null;
  readonly send: Token;
  readonly read: Token;
}

export interface Lane {
  readonly name: Token;
  /** What `$asked` becomes; null: it is old from the beginning. */
  readonly asks: Token | null;
  /** Whether new may have been asked before, which `$trail` tells. */
  readonly marks: boolean;
  /** `$new_scheme`; null in lanes of old. */
  readonly scheme: Token | null;
  /** Bytes of the body go on as they come, and nothing is sent twice. */
  readonly streams: boolean;
  /** Value of proxy_next_upstream_tries; null: the one of all. */
  readonly tries: Token | null;
  /** Nothing is sent again, not even on a stale connection. */
  readonly sentOnce: boolean;
  /** The request may have to hold the single slot of a probing service; where it goes on when the slot is taken. */
  readonly slot: Slot | null;
  /** Answers of these statuses are not given to the client. */
  readonly intercepts: boolean;
  /** Which failures are followed by which lane. */
  readonly after: After | null;
  /** Those that differ from the server's. */
  readonly timeouts: Timeouts | null;
  readonly tls: LaneTls | null;
  readonly upstream: Token;
}

export interface After {
  readonly statuses: readonly { readonly status: Token }[];
  readonly lane: Token;
  /** By what happened so far, which may end in a 502 or 504 of ours. */
  readonly isChosen: boolean;
}

/** `taken` null: as the http block says. */
export interface Slot {
  readonly taken: Token | null;
}

/** An upstream block as a lane names it. */
export interface LaneUpstream {
  readonly url: Token;
  readonly addresses: number;
  readonly tls: LaneTls | null;
}

export interface LaneParts {
  readonly old: LaneUpstream;
  readonly new: LaneUpstream | null;
  /** That of the names of a divided host's lanes. */
  readonly suffix: string;
  /** `@$lane`, as the whole text says it. */
  readonly anyLane: Token;
  /** Where the server says nothing of time limits, because it has several routes. */
  readonly ownTimeouts: boolean;
}

/** Lanes of old beside the location `/`, which is the first of a whole host. */
export function lanesOf(route: Route, parts: LaneParts): Lane[] {
  return [...oldLanes(route, parts), ...newLanes(route, parts)];
}

/** What a whole host's `/` is: lane `old`, unless `$lane` says otherwise. */
export function firstLane(route: Route, parts: LaneParts): Lane {
  return {
    ...plain(route, parts, parts.old),
    name: token('/'),
    ...repeats(route.retryAttempts, triesOf(parts.old, route.retryAttempts)),
  };
}

function oldLanes(route: Route, parts: LaneParts): Lane[] {
  const { old, suffix } = parts;
  const later = route.new === null ? {} : { asks: token('old'), marks: true };
  const base = { ...plain(route, parts, old), ...later };
  const lanes: Lane[] = [
    { ...base, name: lane('old_streamed', suffix), streams: true, sentOnce: true },
    {
      ...base,
      name: lane('old_tunnel', suffix),
      streams: true,
      ...repeats(route.retryAttempts, triesOf(old, route.retryAttempts)),
      timeouts: streamTimeouts(route, parts),
    },
  ];
  if (route.new === null && suffix === '') return lanes;
  // What is left after new was asked, and perhaps a second address of it.
  const left = route.retryAttempts - (parts.new === null ? 0 : newTries(route, parts.new) - 1) - 1;
  const tries = left > 0 ? triesOf(old, left) : 1;
  return [{ ...base, name: lane('old', suffix), ...repeats(route.retryAttempts, tries) }, ...lanes];
}

function newLanes(route: Route, parts: LaneParts): Lane[] {
  const { suffix } = parts;
  if (route.new === null || parts.new === null) return [];
  const { rescued, failureStatuses } = route.new;
  const base: Lane = {
    ...plain(route, parts, parts.new),
    asks: token('new'),
    scheme: token(route.new.peer.target.protocol),
  };
  const again = repeats(route.retryAttempts, newTries(route, parts.new));
  const failures = [...new Set([502, 504, ...failureStatuses])].filter(isInterceptable).sort((x, y) => x - y);
  const followed = (statuses: readonly number[], by: Token): After => ({
    statuses: statuses.map((status) => ({ status: statusCode(status, 'failure_statuses') })),
    lane: by,
    isChosen: by.includes('$'),
  });
  const rescue = (to: Token): Pick<Lane, 'after'> => ({ after: rescued ? followed(failures, to) : null });
  const onceFollower = followerOfOnce(rescued, newTries(route, parts.new));
  const afterOnce = onceFollower === null ? {} : { after: followed([502, 504], onceFollower) };
  // A location with an error_page of its own has none of the http block's.
  const inSlot = (one: Lane): Lane => ({ ...one, slot: { taken: one.after === null ? null : token('@$slot_lane') } });
  // Without any, answers of 502 and 504 pass as they are, and nginx's own are followed all the same.
  const intercepts = rescued && failureStatuses.some(isInterceptable);
  return [
    inSlot({ ...base, name: lane('new', suffix), ...again, intercepts, ...rescue(lane('old', suffix)) }),
    inSlot({ ...base, name: lane('once', suffix), sentOnce: true, ...afterOnce }),
    inSlot({ ...base, name: lane('streamed', suffix), streams: true, sentOnce: true }),
    {
      ...base,
      name: lane('tunnel', suffix),
      ...again,
      intercepts,
      ...rescue(lane('old_tunnel', suffix)),
      timeouts: streamTimeouts(route, parts),
    },
    {
      ...base,
      name: lane('tunnel_once', suffix),
      sentOnce: true,
      ...afterOnce,
      timeouts: streamTimeouts(route, parts),
    },
  ];
}

/**
 * Where a request goes on that may not be sent twice. nginx itself would send unknown methods again, so another address is asked
 * by taking the lane once more.
 */
function followerOfOnce(rescued: boolean, tries: number): Token | null {
  if (rescued) return token(tries > 1 ? '@$after_first_once' : '@$after_once');
  return tries > 1 ? token('@$after_only_once') : null;
}

function plain(route: Route, { ownTimeouts }: LaneParts, upstream: LaneUpstream): Lane {
  return {
    name: token('/'),
    asks: null,
    marks: false,
    scheme: null,
    streams: false,
    tries: null,
    sentOnce: false,
    slot: null,
    intercepts: false,
    after: null,
    timeouts: ownTimeouts ? timeoutsOf(route) : null,
    tls: upstream.tls,
    upstream: upstream.url,
  };
}

/** The last further attempt is kept for old. */
function newTries(route: Route, upstream: LaneUpstream): number {
  return triesOf(upstream, route.retryAttempts - (route.new?.rescued ? 1 : 0));
}

/** At most one more address, where there is one and attempts are left. */
function triesOf(upstream: LaneUpstream, left: number): number {
  return upstream.addresses > 1 && left > 0 ? 2 : 1;
}

/** 1 is what the http block says: a stale kept connection alone is replaced by a fresh one. */
function repeats(retryAttempts: number, tries: number): Pick<Lane, 'tries' | 'sentOnce'> {
  return { tries: tries > 1 ? token(String(tries)) : null, sentOnce: retryAttempts === 0 };
}

export function timeoutsOf(route: Route): Timeouts {
  const read = duration(route.timeoutMs, 'timeout');
  return { connect: duration(route.connectTimeoutMs, 'connect_timeout'), send: read, read };
}

function streamTimeouts(route: Route, { ownTimeouts }: LaneParts): Timeouts | null {
  if (route.streamIdleTimeoutMs === route.timeoutMs && !ownTimeouts) return null;
  const idle = duration(route.streamIdleTimeoutMs, 'stream_idle_timeout');
  const connect = ownTimeouts ? duration(route.connectTimeoutMs, 'connect_timeout') : null;
  return { connect, send: idle, read: idle };
}

/** 499 is nginx's own word for a client that left: error_page refuses it (nginx 1.22.1). */
function isInterceptable(status: number): boolean {
  return status >= 300 && status <= 599 && status !== 499;
}

export function lane(name: string, suffix: string): Token {
  return laneName(`@${name}${suffix}`, 'lane');
}
