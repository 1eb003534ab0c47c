/**
 * How many attempts there are and where they go: retry_attempts, addresses, TLS, the statuses that count, and connections that
 * went stale in the pool.
 */
import { expect } from 'chai';
import { CertificateAuthority } from '../../support/certificates.ts';
import { field } from '../../support/http-message.ts';
import { OK, type Script, answer as scripted } from '../../support/recorder.ts';
import { attempt, fallback, INVALID, LATE, SHORT, UNREACHABLE } from '../attempt-rows.ts';
import { NEW_HOST } from '../configuration.ts';
import { writing } from '../origin-scripts.ts';
import { type Given, onStage, request } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

const GET = request('GET', '/');
const POST = request('POST', '/', [], 'hello');
const untrusted = (): Given => ({
  newTls: new CertificateAuthority().leaf(NEW_HOST),
  service: { new_protocol: 'https' },
});
const TWO = { names: { 'two.example': ['127.0.0.1', '127.0.0.2'] } };
const TWO_NEW = { ...TWO, service: { new_backend: 'two.example:{new}' }, new: null };

const single: readonly Case[] = [
  attempt(
    'fallback off: a status of new passes',
    { new: scripted(503, 'new'), service: fallback({ enabled: false }) },
    GET,
    ['new status'],
    '503',
  ),
  attempt(
    'no retries: a refused connection is told',
    { new: null, global: { retry_attempts: 0 } },
    GET,
    ['new connect'],
    UNREACHABLE,
  ),
  attempt(
    'no retries: a status of new passes',
    { new: scripted(503, 'new'), global: { retry_attempts: 0 } },
    GET,
    ['new status'],
    '503',
  ),
  attempt(
    'one retry is kept for old',
    { ...TWO_NEW, global: { retry_attempts: 1 } },
    GET,
    ['new connect', 'old answered'],
    '200',
  ),
  attempt(
    'two retries: another address, then old',
    { ...TWO_NEW, global: { retry_attempts: 2 } },
    GET,
    ['new connect', 'new connect', 'old answered'],
    '200',
  ),
  attempt(
    'both addresses are refused: a POST too is saved by old',
    TWO_NEW,
    POST,
    ['new connect', 'new connect', 'old answered'],
    '200',
  ),
  attempt(
    'a certificate that nobody vouches for: a POST too is saved by old',
    untrusted,
    POST,
    ['new tls', 'old answered'],
    '200',
  ),
  attempt(
    'one that nobody vouches for, and fallback off',
    () => ({ ...untrusted(), service: { new_protocol: 'https', ...fallback({ enabled: false }) } }),
    POST,
    ['new tls'],
    UNREACHABLE,
  ),
  attempt('both clusters refuse', { new: null, old: null }, GET, ['new connect', 'old connect'], UNREACHABLE),
  attempt(
    'new resets, old is silent',
    { ...SHORT, new: writing('', 'resets'), old: () => null },
    GET,
    ['new reset', 'old timeout'],
    LATE,
  ),
  attempt(
    'new refuses, old answers 503: that is passed',
    { new: null, old: scripted(503, 'old') },
    GET,
    ['new connect', 'old answered'],
    '503',
  ),
  attempt(
    'new answers 503, old refuses',
    { new: scripted(503, 'new'), old: null },
    GET,
    ['new status', 'old connect'],
    UNREACHABLE,
  ),
  attempt('other statuses of new pass', { new: scripted(500, 'new') }, GET, ['new answered'], '500'),
  attempt('429 passes', { new: scripted(429, 'new') }, GET, ['new answered'], '429'),
  attempt(
    'failure_statuses are the service’s own',
    { new: scripted(500, 'new'), service: fallback({ failure_statuses: [500] }) },
    GET,
    ['new status', 'old answered'],
    '200',
  ),
  ...[502, 504].map((status) =>
    attempt(
      `without failure_statuses ${status} of new passes`,
      { new: scripted(status, 'new'), service: fallback({ failure_statuses: [] }) },
      GET,
      ['new answered'],
      String(status),
    ),
  ),
  attempt(
    'without failure_statuses too old answers where new does not',
    { new: null, service: fallback({ failure_statuses: [] }) },
    GET,
    ['new connect', 'old answered'],
    '200',
  ),
  attempt(
    '504 of new passes where 503 alone is a failure',
    { new: scripted(504, 'new'), service: fallback({ failure_statuses: [503] }) },
    GET,
    ['new answered'],
    '504',
  ),
  attempt('592 passes', { new: scripted(592, 'new') }, GET, ['new answered'], '592'),
  attempt('499 passes', { new: scripted(499, 'new') }, GET, ['new answered'], '499'),
  ...[null, writing('', 'resets'), scripted(503, 'old')].map((old, i) =>
    attempt(
      `old is the first choice and ${['refuses', 'resets', 'answers 503'][i]}: new is never asked`,
      { old, service: { migration: { percentage: 0 } } },
      GET,
      [['old connect', 'old reset', 'old answered'][i]],
      [UNREACHABLE, INVALID, '503'][i],
    ),
  ),
  attempt(
    'after an interim answer nobody else is asked',
    { new: writing('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', 'resets') },
    GET,
    ['new reset'],
    INVALID,
  ),
];

const BOTH_TWO: Given = {
  ...TWO,
  service: { old_backend: 'two.example:{old}', new_backend: 'two.example:{new}' },
  old: null,
  new: null,
};
const N = 'new connect';
const O = 'old connect';

/** Every address of both clusters refuses: who is asked, by retry_attempts. */
const capped: readonly Case[] = [
  [[N], [O]],
  [
    [N, O],
    [O, O],
  ],
  [
    [N, N, O],
    [O, O],
  ],
  [
    [N, N, O, O],
    [O, O],
  ],
  [
    [N, N, O, O],
    [O, O],
  ],
].flatMap(([fromNew, fromOld], retry_attempts) =>
  [GET, POST].flatMap((bytes) => {
    const name = `retry_attempts ${retry_attempts}, two dead addresses each, ${bytes.slice(0, bytes.indexOf(' '))}`;
    const given = { ...BOTH_TWO, global: { retry_attempts } };
    const old = { ...given, service: { ...given.service, migration: { percentage: 0 } } };
    const off = { ...given, service: { ...given.service, ...fallback({ enabled: false }) } };
    return [
      attempt(`${name}: new first`, given, bytes, fromNew, UNREACHABLE),
      attempt(`${name}: old first`, old, bytes, fromOld, UNREACHABLE),
      attempt(
        `${name}: new first, fallback off`,
        off,
        bytes,
        fromOld.map(() => N),
        UNREACHABLE,
      ),
    ];
  }),
);

/** The recorders listen on 127.0.0.1 alone. */
const oneDead: readonly Case[] = (['old', 'new'] as const).flatMap((cluster) =>
  [GET, POST].map((bytes) => ({
    name: `${cluster} has a dead address and a live one: no ${bytes.slice(0, bytes.indexOf(' '))} suffers`,
    run: (plane) => {
      const percentage = cluster === 'old' ? 0 : 100;
      const service = { [`${cluster}_backend`]: `two.example:{${cluster}}`, migration: { percentage } };
      return onStage(plane, { names: TWO.names, service }, async (stage) => {
        for (let i = 0; i < 6; i++) expect((await stage.ask(bytes)).status).to.equal(200);
        expect(stage.requestsAt(cluster).length).to.equal(6);
      });
    },
  })),
);

/** Another address is for those who could not be reached: what was reached and failed is not asked again by another door. */
const noOtherDoor: readonly Case[] = (
  [
    ['resets', 'reset', writing('', 'resets'), {}],
    ['closes', 'reset', writing('', 'closes'), {}],
    ['answers 503', 'status', scripted(503, 'new'), {}],
    ['is silent', 'timeout', () => null, SHORT],
    ['speaks something else', 'invalid_response', 'SSH-2.0-OpenSSH_9.2\r\n', {}],
  ] as const
).map(([what, failure, script, more]) => ({
  name: `new ${what}, and has a second address: that is not asked`,
  run: (plane) =>
    onStage(plane, { ...TWO_NEW, ...more, new: script }, async (stage) => {
      for (let i = 0; i < 4; i++) expect((await stage.ask(GET)).status).to.equal(200);
      // The address that nobody listens at may have been tried first: how many outcomes there are is known when all is told.
      await stage.under.reported();
      const courses = (await stage.outcomes(8)).join(', ').split('old answered');
      for (const course of courses.slice(0, 4)) expect(course).to.match(new RegExp(`new ${failure}, $`));
      expect(stage.requestsAt('new').length).to.equal(4);
    }),
}));

/** What new answered is nobody's business but ours: the client goes on as if old had been asked at once. */
const keptClients: readonly Case[] = [503, 500].map((status) => ({
  name: `a ${status} of new that old replaces leaves the client's connection open`,
  run: (plane) =>
    onStage(
      plane,
      { new: scripted(status, 'new'), service: fallback({ failure_statuses: [status] }) },
      async (stage) => {
        const answer = await stage.ask(GET);
        expect([answer.status, field(answer, 'Connection') ?? 'keep-alive']).to.deep.equal([200, 'keep-alive']);
      },
    ),
}));

const stale: Case = {
  name: 'a kept connection that new has closed is no failure: the request goes out on a fresh one',
  run: async (plane) => {
    // The second request of a connection is answered by its end.
    const once: Script = ({ request: { connection }, index, socket }) => {
      if (index !== 1 || connection !== 0) return OK;
      socket.destroy();
      return null;
    };
    await onStage(plane, { new: once }, async (stage) => {
      expect((await stage.ask(GET)).status).to.equal(200);
      expect((await stage.ask(GET)).status).to.equal(200);
      expect(await stage.outcomes(2)).to.deep.equal(['new answered', 'new answered']);
      expect(stage.requestsAt('new').map(({ connection }) => connection)).to.deep.equal([0, 0, 1]);
      expect(stage.requestsAt('old')).to.deep.equal([]);
    });
  },
};

export const retries: Theme = {
  name: 'retries',
  cases: [...single, ...capped, ...oneDead, ...noOtherDoor, ...keptClients, stale],
};
