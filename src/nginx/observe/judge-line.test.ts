import { expect } from 'chai';
import { sampleMigration } from '../../../test/support/status-samples.ts';
import { parseFullLine } from './full-line.ts';
import { type Judged, judgeLine } from './judge-line.ts';
import { parseUpstreamError, type UpstreamError } from './upstream-error.ts';

const END = 1_795_274_400_000;
const FACTS = sampleMigration({ timeoutMs: 2_000, connectTimeoutMs: 1_000 });

interface Row {
  readonly decision?: string;
  readonly service?: string;
  readonly status?: number;
  readonly lane?: string;
  readonly gate?: string;
  readonly trail?: string;
  readonly completion?: string;
  readonly method?: string;
  /** address, status, connect, head, response, sent, received. */
  readonly attempts?: string;
  readonly errors?: readonly string[];
}

const B = '10.0.0.2:80';
const NEW_OK = '10.0.0.1:80 200 0.001 0.004 0.005 100 50';
const REFUSED = '10.0.0.1:80 502 - - 0.002 0 0';
const OLD_OK = `${B} 200 0.001 0.003 0.004 100 50`;

/** Attempts are written one after the other, with ` : ` and `, ` between them as nginx has them in each field. */
function text({ attempts = NEW_OK, ...row }: Row): string {
  const pieces = attempts.split(/( : |, )/);
  const columns = Array.from({ length: 7 }, (_, column) =>
    pieces.map((piece, i) => (i % 2 === 1 ? piece : (piece.split(' ')[column] ?? ''))).join(''),
  );
  const { service = 'shop', decision = 'new:weight', status = 200, lane = 'new', gate = '', trail = '' } = row;
  const head = ['1795274400.000', '7', service, decision, String(status).padStart(3, '0'), '0.100'];
  return [...head, lane, gate, trail, row.completion ?? 'OK', ...columns, row.method ?? 'GET', 'id-1', ''].join('\t');
}

function judge(row: Row): Judged {
  const line = parseFullLine(text(row));
  if (line === null) throw new Error(`not read: ${text(row)}`);
  const errors = (row.errors ?? []).map(
    (message) => parseUpstreamError(`2026/11/21 15:19:57 [error] 1#1: *7 ${message}, client: ::1`) as UpstreamError,
  );
  const take = (body: boolean): UpstreamError | null => {
    const at = errors.findIndex(({ stage }) => (stage === 'body') === body);
    return at < 0 ? null : errors.splice(at, 1)[0];
  };
  return judgeLine(line, FACTS, { failure: () => take(false), broken: () => take(true) });
}

/** `new connect 0 -> old - 200; 200 by old`: outcomes, and what the client got. */
function words(row: Row): string {
  const { outcomes, record, refused } = judge(row);
  const told = outcomes.map(({ cluster, failure, status }) => `${cluster} ${failure ?? '-'} ${status}`).join(' -> ');
  if (record === null) return `${told}; refused ${refused}`;
  return `${told}; ${record.status} ${record.answered ? 'by' : 'for'} ${record.cluster}`;
}

const ROWS: readonly (readonly [string, Row, string])[] = [
  ['an answer of new', {}, 'new - 200; 200 by new'],
  ['an answer of old', { decision: 'old:weight', lane: 'old' }, 'old - 200; 200 by old'],
  [
    'a refused connection that old saved',
    { attempts: `${REFUSED} : ${OLD_OK}`, trail: 'o' },
    'new connect 0 -> old - 200; 200 by old',
  ],
  [
    'both addresses of new refused, old saved',
    { attempts: `${REFUSED} : ${REFUSED} : ${OLD_OK}`, trail: 'o' },
    'new connect 0 -> new connect 0 -> old - 200; 200 by old',
  ],
  [
    'new and old refused',
    { attempts: `${REFUSED} : ${REFUSED}`, trail: 'o', status: 502 },
    'new connect 0 -> old connect 0; 502 for old',
  ],
  [
    'old refused, its second address answered',
    { decision: 'old:weight', attempts: `${REFUSED} : ${OLD_OK}`, trail: 'o' },
    'old connect 0 -> old - 200; 200 by old',
  ],
  [
    'a status that fails, old saved',
    { attempts: `10.0.0.1:80 503 0.001 0.004 0.005 100 50 : ${OLD_OK}`, trail: 'o' },
    'new status 503 -> old - 200; 200 by old',
  ],
  [
    'a status that fails, with nobody to ask',
    { attempts: '10.0.0.1:80 503 0.001 0.004 0.005 100 50', status: 503 },
    'new status 503; 503 by new',
  ],
  [
    'the same status of old',
    { decision: 'old:weight', attempts: `${B} 503 0.001 0.004 0.005 100 50`, status: 503 },
    'old - 503; 503 by old',
  ],
  [
    "a 502 that is new's own",
    { attempts: '10.0.0.1:80 502 0.001 0.004 0.005 100 50', status: 502 },
    'new status 502; 502 by new',
  ],
  ['another 5xx', { attempts: '10.0.0.1:80 500 0.001 0.004 0.005 100 50', status: 500 }, 'new - 500; 500 by new'],
  [
    'silence',
    { attempts: `10.0.0.1:80 504 0.001 - 2.001 100 0 : ${OLD_OK}`, trail: 'o' },
    'new timeout 0 -> old - 200; 200 by old',
  ],
  [
    'a close before the answer',
    { attempts: `10.0.0.1:80 502 0.001 - 0.002 100 0 : ${OLD_OK}`, trail: 'o' },
    'new reset 0 -> old - 200; 200 by old',
  ],
  [
    'half a head, then a close, as error.log says',
    {
      attempts: `10.0.0.1:80 502 0.001 - 0.002 100 10 : ${OLD_OK}`,
      trail: 'o',
      errors: ['upstream prematurely closed connection while reading response header from upstream'],
    },
    'new reset 0 -> old - 200; 200 by old',
  ],
  [
    'a broken head',
    { attempts: `10.0.0.1:80 502 0.001 - 0.002 100 31 : ${OLD_OK}`, trail: 'o' },
    'new invalid_response 0 -> old - 200; 200 by old',
  ],
  [
    'a certificate',
    {
      attempts: `${REFUSED} : ${OLD_OK}`,
      trail: 'o',
      errors: ['upstream SSL certificate verify error: (10:certificate has expired) while SSL handshaking to upstream'],
    },
    'new tls 0 -> old - 200; 200 by old',
  ],
  [
    'no address',
    {
      attempts: `new_1 502 - - 0.000 0 0 : ${OLD_OK}`,
      trail: 'o',
      errors: ['no live upstreams while connecting to upstream'],
    },
    'new dns 0 -> old - 200; 200 by old',
  ],
  [
    'two addresses of new refused in one lane, old saved',
    { attempts: `${REFUSED}, 10.0.0.3:80 502 - - 0.000 0 0 : ${OLD_OK}`, trail: 'o' },
    'new connect 0 -> new connect 0 -> old - 200; 200 by old',
  ],
  [
    'a reset by one address, the other answered',
    { attempts: `10.0.0.3:80 502 0.000 - 0.001 100 0, ${NEW_OK}` },
    'new reset 0 -> new - 200; 200 by new',
  ],
  [
    'a kept connection that had gone',
    { attempts: `10.0.0.1:80 502 0.000 - 0.000 100 0, ${NEW_OK}` },
    'new - 200; 200 by new',
  ],
  [
    'a kept connection that had gone, then a refusal',
    { attempts: `10.0.0.1:80 502 0.000 - 0.000 100 0, ${REFUSED} : ${OLD_OK}`, trail: 'o' },
    'new connect 0 -> old - 200; 200 by old',
  ],
  [
    'a chunked answer that broke off',
    { errors: ['upstream prematurely closed connection while reading upstream'] },
    'new truncated 0; 200 by new',
  ],
  [
    'an answer that stalled',
    { errors: ['upstream timed out (110: Connection timed out) while reading upstream'] },
    'new timeout 0; 200 by new',
  ],
  [
    'a broken chunk',
    { completion: '', errors: ['upstream sent invalid chunked response while reading upstream'] },
    'new truncated 0; 200 by new',
  ],
  ['an answer without a head', { status: 9 }, 'new invalid_response 0; 502 for new'],
  ['a client that left in the middle of the answer', { completion: '' }, '; 0 for new'],
  [
    'a client that left before the answer',
    { status: 499, attempts: '10.0.0.1:80 499 0.001 - 0.050 100 0', completion: '' },
    '; 0 for new',
  ],
  [
    'a client that left while old was asked',
    { status: 499, attempts: `${REFUSED} : ${B} 499 0.001 - 0.050 100 0`, trail: 'o', completion: '' },
    'new connect 0; 0 for old',
  ],
  ['a client that left before any attempt', { status: 499, attempts: '' }, '; 0 for new'],
  ['a body that stopped', { status: 408, attempts: '10.0.0.1:80 - 0.001 - 30.000 100 0' }, '; refused request_timeout'],
  ['a body that stopped before any attempt', { status: 408, attempts: '' }, '; refused request_timeout'],
  [
    'a 400 of the cluster',
    { status: 400, attempts: '10.0.0.1:80 400 0.001 0.004 0.005 100 50' },
    'new - 400; 400 by new',
  ],
  ['a loop', { status: 508, attempts: '', lane: 'loop' }, '; 508 for old'],
  ['an unknown host', { service: '', decision: '', status: 404, attempts: '' }, '; refused no_such_host'],
  ['a bad request', { service: '', decision: '', status: 400, attempts: '' }, '; refused bad_request'],
  ['a head that its client left half way', { status: 400, completion: '', attempts: '' }, '; refused null'],
  [
    'a first line that its client left half way',
    { service: '', decision: 'new:weight', status: 400, completion: '', attempts: '', method: '' },
    '; refused null',
  ],
  [
    'a held body that its client left half way',
    { status: 400, completion: '', attempts: '', method: 'POST' },
    '; 0 for new',
  ],
  [
    'a chunked body that its client left half way',
    { status: 400, completion: '', attempts: '10.0.0.1:80 - 0.001 - 0.058 257 0', lane: 'streamed' },
    '; 0 for new',
  ],
  ['a chunked body that breaks its framing', { status: 400, lane: 'streamed', attempts: '' }, '; refused bad_request'],
  ['a bad path below the prefix of a service', { status: 400, attempts: '', gate: 'bad_path' }, '; refused bad_path'],
  ['a bad path', { service: '', decision: '', status: 400, attempts: '', gate: 'bad_path' }, '; refused bad_path'],
  [
    'a tunnel',
    { status: 101, lane: 'tunnel', attempts: '10.0.0.1:80 101 0.001 0.004 0.090 100 50', completion: '' },
    'new - 101; 101 by new',
  ],
  ['an event stream that its client left', { lane: 'tunnel', completion: '' }, 'new - 200; 200 by new'],
  [
    'an event stream that broke off',
    { lane: 'tunnel', errors: ['upstream timed out (110: Connection timed out) while reading upstream'] },
    'new - 200; 200 by new',
  ],
  [
    'a shortage of our own',
    {
      attempts: '10.0.0.1:80 500 - - 0.000 0 0',
      status: 500,
      errors: ['socket() failed (24: Too many open files) while connecting to upstream'],
    },
    '; 500 for new',
  ],
];

describe('a full line means', () => {
  for (const [what, row, expected] of ROWS) it(what, () => expect(words(row)).to.equal(expected));

  it('times that are counted back from its end', () => {
    const { outcomes, record } = judge({ attempts: `${REFUSED} : ${OLD_OK}`, trail: 'o' });
    expect(outcomes.map(({ startedMs, endedMs }) => [startedMs - END, endedMs - END])).to.deep.equal([
      [-6, -4],
      [-4, 0],
    ]);
    expect(record).to.include({ startedMs: END - 100, endedMs: END, requestId: 'id-1', method: 'GET' });
  });

  it('for a tunnel that it counted at its head', () => {
    const attempts = '10.0.0.1:80 101 0.001 0.004 0.090 100 50';
    const { outcomes, record } = judge({ status: 101, lane: 'tunnel', attempts });
    expect(outcomes[0]).to.include({ startedMs: END - 90, endedMs: END - 86 });
    expect(record).to.include({ endedMs: END - 86 });
  });

  it('a probe where it held the single slot, and only at new', () => {
    const { outcomes } = judge({ attempts: `${REFUSED} : ${OLD_OK}`, trail: 'o', gate: 'one' });
    expect(outcomes.map(({ probe }) => probe)).to.deep.equal([true, false]);
    expect(judge({ gate: 'share' }).outcomes[0].probe).to.equal(false);
  });

  it('notes for the record, with words for people', () => {
    const attempts = `10.0.0.1:80 502 0.000 - 0.001 100 0, ${REFUSED} : ${OLD_OK}`;
    const errors = [
      'upstream prematurely closed connection while reading response header from upstream',
      'connect() failed (111: Connection refused) while connecting to upstream',
    ];
    expect(judge({ attempts, trail: 'o', errors }).record?.attempts).to.deep.equal([
      {
        cluster: 'new',
        failure: 'reset',
        message: 'kept connection: closed before an answer 10.0.0.1:80',
        durationMs: 1,
      },
      { cluster: 'new', failure: 'connect', message: 'connect ECONNREFUSED 10.0.0.1:80', durationMs: 2 },
      { cluster: 'old', failure: null, message: '', durationMs: 4 },
    ]);
  });

  it('nothing where it is not whole', () => {
    const whole = text({});
    const cutTimes = whole.replace('0.001\t', '0.001 : 0.002\t');
    for (const damaged of ['', '1', whole.slice(0, 60), `${whole}\t`, whole.replace('OK', 'OK\tx'), cutTimes]) {
      expect(parseFullLine(damaged), damaged).to.equal(null);
    }
  });
});
