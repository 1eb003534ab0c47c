/**
 * What a request is, as far as its lane depends on it: may it be sent twice, is its body held, does it want a stream, has it been
 * here before. The same for every service. Refuses to know clusters until the last table, `$lane`.
 */
import { type Expression, LF, variable } from '../expression.ts';
import type { TableContext } from './context.ts';
import { CLEAN_UPGRADE, FIRST_PROTOCOL, MAY_UPGRADE, numberUpTo, TAKEN, viaOf } from './patterns.ts';
import { exact, type Row, regex } from './table-set.ts';

const REPLAYS = ['yes', 'guarded', 'no'] as const;
const BODIES = ['held', 'streamed'] as const;
const STREAMS = ['tunnel', ''] as const;

/** `$replay`, `$body`, `$upgrade_out`, `$connection_out`, `$stream`, `$loop`. */
export function requestTables({ tables, settings }: TableContext): void {
  const http = (name: string) => variable(`http_${name}`);
  const replayable = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'].map((method) => exact(method, 'yes'));
  const guarded = ['POST', 'PATCH'].map((method) => exact(method, 'guarded'));
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
  tables.map(
    'stream',
    [http('accept'), LF, ...upgrade],
    [''],
    [regex('(?i)text/event-stream[^\\n]*+\\n', 'tunnel'), regex('\\n.', 'tunnel')],
  );
  tables.map('loop', [http('via')], [''], [exact('', ''), regex(viaOf(settings.instance), 'loop ')]);
}

/** `$lane`: asked for anew at each attempt, because the cluster may change. */
export function laneTable({ tables }: TableContext): void {
  const source: Expression = [
    variable('loop'),
    variable('cluster'),
    ' ',
    variable('replay'),
    ' ',
    variable('body'),
    ' ',
    variable('stream'),
  ];
  const rows: Row[] = REPLAYS.flatMap((replay) =>
    BODIES.flatMap((body) =>
      STREAMS.flatMap((stream) => [
        exact(`old ${replay} ${body} ${stream}`, oldLane(replay, body, stream)),
        exact(`new ${replay} ${body} ${stream}`, newLane(replay, body, stream)),
      ]),
    ),
  );
  const unlikeDefault = rows.filter(({ value }) => value[0] !== 'old');
  tables.volatileMap('lane', source, ['old'], [...unlikeDefault, regex('^loop ', 'loop')]);
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
