/**
 * The tables of what goes back to clients and of what follows a failure: answers that name new_host name the client's host
 * again, our own lines, codes of our own errors, which log line a request leaves. In: what the tables of the decision give.
 * Knows no single service.
 */
import type { Block, MapBlock } from './block.ts';
import { type Expression, LF, type Part, TAB, variable } from './expression.ts';

export interface AnswerParts {
  /** Empty where no service uses it. */
  readonly exposed: Expression | null;
  readonly stickySet: Expression | null;
  readonly vainPeer: Expression;
  readonly requestId: Expression;
  readonly authority: Expression;
  readonly scheme: Expression;
  /** Whether a host is divided by path. */
  readonly divided: boolean;
  /** Whether any lane of new is there. */
  readonly migrates: boolean;
  readonly detail: 'brief' | 'full';
}

export function answerTables(parts: AnswerParts): Block[] {
  return [
    ...(parts.migrates ? attemptTables(parts) : []),
    ...(parts.migrates ? renamingTables(parts) : []),
    ...ownLines(parts),
    ...problemTables(parts),
    logTable(parts),
  ];
}

/** They look at what an attempt changed, so they are asked anew for each. */
function attemptTables({ divided, authority }: AnswerParts): Block[] {
  const suffix = divided ? [variable('lanes_of')] : [];
  return [
    map('upstream_host', [variable('asked')], authority, { new: [variable('new_host')] }, 'volatile'),
    map('rename_from', [variable('asked')], ['-'], { new: [variable('new_host')] }, 'volatile'),
    map('another_attempt', [variable('asked')], ['o'], { '': [''] }, 'volatile'),
    // The count is in shared memory and outlives reloads: a worker that dies with a probe would keep the slot for ever under one key.
    {
      kind: 'map',
      source: [variable('msec')],
      variable: 'slot_turn',
      volatile: false,
      fallback: [''],
      rows: [{ key: { kind: 'regex', pattern: '^(?<taken>[0-9]+)[0-9]{3}\\.' }, value: [variable('taken')] }],
    },
    map('slot_key', [variable('gate')], [''], { one: [variable('service'), ' ', variable('slot_turn')] }, 'volatile'),
    // A backend may answer with the status that says so.
    map(
      'slot_lane',
      [variable('limit_conn_status')],
      ['failed'],
      { REJECTED: [variable('lane'), ...suffix] },
      'volatile',
    ),
    map('old_lane', [variable('stream')], ['old'], { tunnel: ['old_tunnel'] }),
    // Of a stream nginx tells the outcome when it ends: it would hold the slot for hours, and nobody would learn anything.
    map('slot_flag', [variable('stream'), variable('replay')], ['any'], {
      yes: ['one'],
      tunnelyes: ['none'],
      tunnelguarded: ['none'],
      tunnelno: ['none'],
    }),
    following('after_once', variable('after_all'), [
      // Not a byte was sent in any attempt: it may be asked again, whatever the method.
      ['^[-0]?(?:(?:, | : )[-0])*+ ', [variable('old_lane'), ...suffix]],
    ]),
    // One attempt, at an address that took no connection: the lane is taken again for another address.
    following('after_first_once', variable('after_once'), [['^[-0] 502\\z', [variable('lane'), ...suffix]]]),
    following('after_only_once', variable('after_all'), [['^[-0] 502\\z', [variable('lane'), ...suffix]]]),
    following('after_all', 'failed', [[' 504\\z', ['timed_out']]]),
  ];
}

/** Which lane follows a failed attempt, by the bytes sent and the statuses of all attempts so far. */
function following(name: string, otherwise: Part, rows: readonly (readonly [string, Expression])[]): Block {
  return {
    ...map(name, [variable('upstream_bytes_sent'), ' ', variable('upstream_status')], [otherwise], {}, 'volatile'),
    rows: rows.map(([pattern, value]) => ({ key: { kind: 'regex', pattern }, value })),
  };
}

/** `\1` is new_host, `\2` the scheme that new is asked in; a host is taken whole, any port of it is dropped. */
const SAME_SCHEME = '://\\1(?::[0-9]*+)?';
const REST = '(?:[/?#\\\\].*+)?+\\z';

/** The behaviour of src/proxy/rewrite.ts. A value is made right after its match, so all rows share their captures. */
function renamingTables({ authority, scheme }: AnswerParts): Block[] {
  const url = (name: string, source: Expression, lead: string, rest: string): Block => ({
    ...map(name, [variable('rename_from'), LF, variable('new_scheme'), LF, ...source], source, {}),
    rows: [
      {
        key: {
          kind: 'regex',
          pattern: `(?i)^([^\\n]++)\\n(https?)\\n(?<url_lead>${lead})\\2${SAME_SCHEME}(?<url_rest>${rest})`,
        },
        value: [variable('url_lead'), ...scheme, '://', ...authority, variable('url_rest')],
      },
      {
        key: {
          kind: 'regex',
          pattern: `(?i)^([^\\n]++)\\n(https?)\\n(?<url_lead>${lead})(?<url_scheme>(?:https?:)?)//\\1(?::[0-9]*+)?(?<url_rest>${rest})`,
        },
        value: [variable('url_lead'), variable('url_scheme'), '//', ...authority, variable('url_rest')],
      },
    ],
  });
  const refreshRest = '(?:[/?#\\\\"\'].*+)?+\\z';
  // Asked for at each answer, which nearly never has one.
  const rare = (header: string, lead: string, rest: string): Block[] => {
    const sent: Expression = [variable(`upstream_http_${header}`)];
    return [
      map(`renamed_${header}`, sent, [variable(`${header}_of_client`)], { '': [''] }),
      url(`${header}_of_client`, sent, lead, rest),
    ];
  };
  return [
    url('renamed_location', [variable('answered_location')], '', REST),
    ...rare('content_location', '', REST),
    ...rare('refresh', '[^;,\\n]*+[;,]\\s*+(?:url\\s*+=\\s*+)?["\']?', refreshRest),
  ];
}

function ownLines({ exposed, stickySet }: AnswerParts): Block[] {
  const blocks: Block[] = [
    map('answered_upgrade', [variable('upstream_http_upgrade')], [variable('upgrade_of_101')], { '': [''] }),
    map('upgrade_of_101', [variable('status')], [''], { '101': [variable('upstream_http_upgrade')] }),
  ];
  const asked = [variable('asked')];
  if (exposed !== null) {
    const theirs = (name: string): Expression => [variable(`upstream_http_x_migration_${name}`)];
    blocks.push(
      map('shown_cluster', [...exposed, ' ', ...asked], theirs('cluster'), {
        '1 ': ['old'],
        '1 old': ['old'],
        '1 new': ['new'],
        '1 nobody': [''],
        '1 unrouted': [''],
      }),
      map('shown_reason', [...exposed, ' ', ...asked], theirs('reason'), {
        '1 ': [variable('reason')],
        '1 old': [variable('reason')],
        '1 new': [variable('reason')],
        '1 nobody': [variable('reason')],
        '1 unrouted': [''],
      }),
      {
        ...map('reason', [variable('decision')], [''], {}),
        rows: [
          { key: { kind: 'regex', pattern: '^[^:]++:(?<decision_reason>.++)' }, value: [variable('decision_reason')] },
        ],
      },
    );
  }
  if (stickySet !== null) blocks.push(map('sticky_line', asked, stickySet, { nobody: [''], unrouted: [''] }));
  return blocks;
}

function problemTables({ requestId }: AnswerParts): Block[] {
  const codes: Record<string, string> = {
    400: 'bad_request',
    404: 'no_such_host',
    405: 'method_not_allowed',
    408: 'request_timeout',
    413: 'content_too_large',
    414: 'uri_too_long',
    417: 'expectation_failed',
    431: 'header_too_large',
    500: 'internal_error',
    501: 'not_implemented',
    503: 'overloaded',
    504: 'upstream_timeout',
    505: 'version_not_supported',
  };
  const told = (name: string, code: Expression, service: Expression): Block =>
    map(
      `told_${name}`,
      [''],
      ['{"error":"', ...code, '","service":', ...service, ',"request_id":"', ...requestId, '"}', LF],
      {},
      'volatile',
    );
  const service = [variable('service_or_null')];
  return [
    told('no_such_host', ['no_such_host'], ['null']),
    told('bad_path', ['bad_path'], ['null']),
    told('loop', ['loop_detected'], service),
    told('timeout', ['upstream_timeout'], service),
    told('problem', [variable('problem')], service),
    {
      ...map('service_or_null', [variable('service')], ['"', variable('service'), '"'], { '': ['null'] }),
    },
    {
      ...map('problem', [variable('status')], [variable('upstream_problem')], {}, 'volatile'),
      rows: Object.entries(codes).map(([status, code]) => ({ key: { kind: 'exact', text: status }, value: [code] })),
    },
    {
      ...map('upstream_problem', [variable('upstream_connect_time')], ['upstream_invalid_response'], {}, 'volatile'),
      // The last attempt has no time of a connect: refused, no name, no TLS.
      rows: [{ key: { kind: 'regex', pattern: '(?:^| )-?\\z' }, value: ['upstream_unreachable'] }],
    },
  ];
}

/** Answers that leave a short line; the others of 1xx to 4xx do so too, at the cost of a regex. */
const USUAL_STATUSES = '200 201 202 204 206 301 302 303 304 307 400 401 403 404'.split(' ');

/** `$shape` of a plain GET and the like, and of a POST with a body that is held. */
const USUAL_SHAPES = ['', ' guarded held '];

/** What nginx knows of a request beyond its short line: the variables that `src/nginx/observe/full-line.ts` reads, in its order. */
const DETAILS = [
  ...['lane', 'gate', 'trail', 'request_completion'],
  ...['upstream_addr', 'upstream_status', 'upstream_connect_time', 'upstream_header_time', 'upstream_response_time'],
  ...['upstream_bytes_sent', 'upstream_bytes_received', 'request_method'],
].map(variable);

/**
 * `$details`, the rest of a line: nothing where a request went as most do, answered whole at the first attempt, with nothing to
 * look into. One table decides that, because every request asks. A stream counts at its head, which a short line does not tell.
 */
function logTable({ vainPeer, requestId, migrates, detail }: AnswerParts): Block {
  const all = [...DETAILS.map((part) => [part]), requestId, vainPeer].flatMap((value) => [TAB, ...value]);
  if (detail === 'full') return map('details', [''], all, {});
  const gate: Expression = migrates ? [variable('gate')] : [];
  const seen = [
    variable('request_completion'),
    ...gate,
    ' ',
    variable('upstream_status'),
    variable('shape'),
    ...vainPeer,
  ];
  const usual = USUAL_STATUSES.flatMap((status) =>
    USUAL_SHAPES.map((shape) => [`OK ${status}${shape}`, ['']] as const),
  );
  const table = map('details', seen, all, Object.fromEntries(usual));
  const unstreamed = '(?: (?:yes|guarded|no) (?:held|streamed) )?';
  return {
    ...table,
    rows: [...table.rows, { key: { kind: 'regex', pattern: `^OK [1-4][0-9][0-9]${unstreamed}\\z` }, value: [''] }],
  };
}

function map(
  name: string,
  source: Expression,
  fallback: Expression,
  rows: Record<string, Expression>,
  asked: 'once' | 'volatile' = 'once',
): MapBlock {
  return {
    kind: 'map',
    source,
    variable: name,
    volatile: asked === 'volatile',
    fallback,
    rows: Object.entries(rows).map(([text, value]) => ({ key: { kind: 'exact', text }, value })),
  };
}
