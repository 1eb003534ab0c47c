/**
 * What a request is, as far as its lane depends on it: may it be sent twice, is its body held, does it want a stream, has it been
 * here before. The same for every service. Refuses to know clusters until the last table, `$lane`.
 */
import { REASONS } from '../../../allocator/decision.ts';
import { LF, variable } from '../expression.ts';
import type { TableContext } from './context.ts';
import { NEW_DECISIONS } from './decision.ts';
import {
  CLEAN_UPGRADE,
  EVENT_STREAM,
  FIRST_PROTOCOL,
  MAY_UPGRADE,
  numberUpTo,
  ordinary,
  TAKEN,
  viaOf,
} from './patterns.ts';
import { exact, type Row, regex } from './table-set.ts';

const REPLAYABLE = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'];
const GUARDED = ['POST', 'PATCH'];
const REPLAYS = ['yes', 'guarded', 'no'] as const;
const BODIES = ['held', 'streamed'] as const;
const STREAMS = ['tunnel', ''] as const;

/** `$shape` of an ordinary POST: neither a loop nor a stream, its body held. */
const HELD_GUARDED = ' guarded held ';

/** What programs and browsers mostly send: these need no search. */
const USUAL_ACCEPTS = ['', '*/*', 'application/json', 'application/json, text/plain, */*', 'application/json, */*'];

/**
 * `$replay`, `$body`, `$upgrade_out`, `$connection_out`, `$stream`, `$loop`; `$shape`: all of it, '' for a plain GET and the like.
 * Of an ordinary request it is known without the others: they cost a POST 8 400 instructions (nginx 1.22.1).
 */
export function requestTables({ tables, settings }: TableContext): void {
  const http = (name: string) => variable(`http_${name}`);
  const replayable = REPLAYABLE.map((method) => exact(method, 'yes'));
  const guarded = GUARDED.map((method) => exact(method, 'guarded'));
  tables.map('replay', [variable('request_method')], ['no'], [...replayable, ...guarded]);
  tables.map(
    'body',
    [http('transfer_encoding'), variable('content_length')],
    ['streamed'],
    [exact('', 'held'), regex(numberUpTo(settings.limits.replayBytes), 'held')],
  );

  const offered = tables.map(
    'upgrade_offered',
    [http('upgrade')],
    [''],
    [regex(CLEAN_UPGRADE, http('upgrade')), regex(FIRST_PROTOCOL, variable(TAKEN))],
  );
  const asked = tables.map(
    'upgrade_asked',
    [variable('server_protocol'), ' ', http('transfer_encoding'), variable('content_length'), LF, http('connection')],
    [''],
    [regex(MAY_UPGRADE, ...offered)],
  );
  const upgrade = tables.map('upgrade_out', [http('upgrade')], asked, [exact('', '')]);
  tables.map('connection_out', upgrade, ['Upgrade'], [exact('', '')]);
  const search = regex(EVENT_STREAM, 'tunnel');
  const events = tables.map('event_stream', [http('accept')], [''], [search]);
  tables.map('stream', upgrade, ['tunnel'], [exact('', ...events)]);
  tables.map('loop', [http('via')], [''], [exact('', ''), regex(viaOf(settings.instance), 'loop ')]);
  // Spaces between what is put together, so that no Upgrade reads as a length; no value ends with one, so that none reads as "no Via".
  const framing = [http('transfer_encoding'), variable('content_length')];
  const rest = [http('upgrade'), ' ', http('accept'), ' ', http('via')];
  const usual = USUAL_ACCEPTS.flatMap((accept) => REPLAYABLE.map((method) => exact(`${method}   ${accept} `, '')));
  const held = (methods: readonly string[]) => ordinary(methods, settings.limits.replayBytes, settings.instance);
  tables.map(
    'shape',
    [variable('request_method'), ' ', ...framing, ' ', ...rest],
    [variable('loop'), ' ', variable('replay'), ' ', variable('body'), ' ', variable('stream')],
    [...usual, regex(held(REPLAYABLE), ''), regex(held(GUARDED), HELD_GUARDED)],
  );
}

/** `$lane`: asked for anew at each attempt, because the cluster may change. Ordinary requests have rows by decision. */
export function laneTable({ tables }: TableContext): void {
  const shapes = REPLAYS.flatMap((replay) =>
    BODIES.flatMap((body) =>
      STREAMS.map((stream) => ({ replay, body, stream, shape: ` ${replay} ${body} ${stream}` })),
    ),
  );
  const rows: Row[] = shapes.flatMap(({ replay, body, stream, shape }) => [
    exact(`old${shape}`, oldLane(replay, body, stream)),
    exact(`new${shape}`, newLane(replay, body, stream)),
  ]);
  const odd = tables.volatileMap(
    'odd_lane',
    [variable('cluster'), variable('shape')],
    ['old'],
    [...rows.filter(({ value }) => value[0] !== 'old'), regex('^(?:old|new)loop ', 'loop')],
  );
  tables.volatileMap('lane', [variable('decision'), variable('shape')], odd, [
    ...REASONS.flatMap((reason) => [exact(`old:${reason}`, 'old'), exact(`old:${reason}${HELD_GUARDED}`, 'old')]),
    ...NEW_DECISIONS.flatMap((decision) => [exact(decision, 'new'), exact(`${decision}${HELD_GUARDED}`, 'once')]),
  ]);
}

/** nginx itself sends unknown methods again on a stale connection, so they take the lane that never does. */
function oldLane(replay: string, body: string, stream: string): string {
  if (replay === 'no') return 'old_streamed';
  if (stream === 'tunnel') return 'old_tunnel';
  return body === 'streamed' ? 'old_streamed' : 'old';
}

/** A tunnel takes failures of new to old, which only what may be sent twice can stand. */
function newLane(replay: string, body: string, stream: string): string {
  if (body === 'streamed') return 'streamed';
  if (stream === 'tunnel') return replay === 'yes' ? 'tunnel' : 'tunnel_once';
  return replay === 'yes' ? 'new' : 'once';
}
