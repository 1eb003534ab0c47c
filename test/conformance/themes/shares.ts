/**
 * Shares: percentages over requests, users and visitors with a cookie, and who is admitted while probing. Ids stand with
 * their places, in per cent of the hash, as nginx's `split_clients` gives them for `COHORT:ID`.
 */
import { expect } from 'chai';
import type { RunState } from '../../../src/migration/run-state.ts';
import { field } from '../../support/http-message.ts';
import { OK } from '../../support/recorder.ts';
import type { ServiceText } from '../configuration.ts';
import { type Group, groupCases } from '../decision-rows.ts';
import { decisionOf, onStage, request } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

/** Places of `shop:ID`. */
const USERS = { liam: 0.63, judy: 2.83, alice: 45.84, nils: 49.99, quinn: 50.43, vera: 92.17 };
/** Of `shop:ID`, the cookie's value being the digit 32 times. */
const VISITORS = { 4: 13.4, 1: 29.93, 7: 42.18, 0: 74.12, 2: 92.94 };
/** Of `probe:shop:ID`. */
const PROBED = { nils: 7.58, frank: 18.54, erin: 22.91, judy: 34.59, alice: 50.16, paul: 87.58 };
const PROBED_VISITORS = { 3: 4.53, 1: 17.41, 5: 30.86, 2: 68.82 };

const PERCENTAGES = [0, 0.01, 1, 10, 45.84, 45.85, 49.99, 50, 92.17, 92.18, 99.99, 100];
const STEPS = [10, 25, 50, 100];

const byUser = (id: string): string[] => [`X-User-ID: ${id}`];
const byCookie = (digit: string): string[] => [`Cookie: migration_id=${digit.repeat(32)}`];

/** A row for each id: new where its place is below the share. */
function rowsOf(
  places: object,
  share: number,
  lines: (id: string) => string[],
  reasons: [string, string],
): Group['rows'] {
  return Object.entries(places).map(([id, place]: [string, number]) => {
    return [`${id} at ${place}`, lines(id), place < share ? `new ${reasons[0]}` : `old ${reasons[1]}`] as const;
  });
}

const probing = (percent: number): Partial<RunState> => ({ state: 'probing', admitBp: percent * 100 });
const strategy = (name: string, more: object = {}): ServiceText => ({
  migration: { strategy: name, percentage: 100, ...more },
});
const TRUSTED = { trusted_proxies: ['127.0.0.0/8'] };

const GROUPS: readonly Group[] = [
  ...PERCENTAGES.map((percentage) => ({
    name: `strategy user at ${percentage} %`,
    service: strategy('user', { percentage }),
    rows: [
      ...rowsOf(USERS, percentage, byUser, ['user', 'user']),
      ['without an id', [], 'old user'] as const,
      ['with an empty id', ['X-User-ID:'], 'old user'] as const,
    ],
  })),
  ...PERCENTAGES.map((percentage) => ({
    name: `sticky at ${percentage} %`,
    service: strategy('weight', { percentage, sticky: 'cookie' }),
    rows: rowsOf(VISITORS, percentage, byCookie, ['weight', 'weight']),
  })),
  {
    name: 'a cohort moves its own users first',
    service: strategy('user', { percentage: 10, cohort: 'blue' }),
    rows: [
      ...rowsOf({ frank: 0.05, erin: 4.46, heidi: 9.55, liam: 33.71, alice: 88.29 }, 10, byUser, ['user', 'user']),
      ['bytes beyond ASCII, at 28.84', byUser(Buffer.from('zoë').toString('latin1')), 'old user'],
    ],
  },
  {
    name: 'an id beyond ASCII, at 91.07',
    service: strategy('user', { percentage: 91.07 }),
    rows: [
      ['not yet', byUser(Buffer.from('zoë').toString('latin1')), 'old user'],
      ['another spelling is another user', byUser('zoe'), 'new user'],
    ],
  },
  {
    name: 'an id beyond ASCII, from 91.08 on',
    service: strategy('user', { percentage: 91.08 }),
    rows: [['it is in', byUser(Buffer.from('zoë').toString('latin1')), 'new user']],
  },
  {
    name: 'hash murmur3',
    service: strategy('user', { percentage: 7, hash: 'murmur3' }),
    rows: rowsOf({ tina: 3.85, quinn: 5.68, liam: 6.1, yves: 9.59, frank: 41.7 }, 7, byUser, ['user', 'user']),
  },
  {
    name: 'the id stands in migration.user_id_header',
    service: strategy('user', { percentage: 1, user_id_header: 'X-Account' }),
    rows: [
      ['there', ['X-Account: liam'], 'new user'],
      ['elsewhere', byUser('liam'), 'old user'],
    ],
  },
  {
    name: 'the id stands in the header of the first user rule',
    service: {
      ...strategy('user', { percentage: 1 }),
      canary: { user_rules: [{ user_id_header: 'X-Account', hash_range: '99-99', target: 'new_cluster' }] },
    },
    rows: [['there', ['X-Account: liam'], 'new user']],
  },
  ...STEPS.flatMap((percent): Group[] => [
    {
      name: `probing ${percent} % of users`,
      service: strategy('user'),
      state: probing(percent),
      rows: rowsOf(PROBED, percent, byUser, ['user', 'fallback']),
    },
    {
      name: `probing ${percent} % of visitors`,
      service: strategy('weight', { sticky: 'cookie' }),
      state: probing(percent),
      rows: rowsOf(PROBED_VISITORS, percent, byCookie, ['weight', 'fallback']),
    },
    {
      name: `probing ${percent} % of requests`,
      service: strategy('weight'),
      global: TRUSTED,
      state: probing(percent),
      rows: rowsOf(PROBED, percent, (id) => [`X-Request-ID: ${id}`], ['weight', 'fallback']),
    },
  ]),
  {
    name: 'probing admits first, then the strategy decides',
    service: strategy('user', { percentage: 46 }),
    state: probing(50),
    rows: [
      ['admitted, and below the percentage', byUser('erin'), 'new user'],
      ['admitted, and beyond the percentage', byUser('nils'), 'old user'],
      ['below the percentage, not admitted', byUser('alice'), 'old fallback'],
    ],
  },
  {
    name: 'probing: a rule does not admit',
    service: {
      ...strategy('user'),
      canary: { header_rules: [{ header: 'X-Target', value: 'new', target: 'new_cluster' }] },
    },
    state: probing(25),
    rows: [
      ['not admitted', ['X-Target: new', ...byUser('judy')], 'old fallback'],
      ['admitted', ['X-Target: new', ...byUser('nils')], 'new header'],
    ],
  },
];

/**
 * Of `requests` by one client, how many reach new at this percentage: evenly spread less than one off; by chance five times
 * the standard deviation, which one run in two million exceeds.
 */
const spread: readonly Case[] = [0, 10, 33.33, 50, 90, 100].map((percentage) => ({
  name: `weight at ${percentage} %, 200 requests`,
  run: (plane) =>
    onStage(plane, { service: strategy('weight', { percentage }) }, async (stage) => {
      const client = await stage.client();
      for (let i = 0; i < 200; i++) {
        const answer = await client.send(request('GET', '/')).response();
        expect(decisionOf(answer)).to.match(/^(old|new) weight$/);
      }
      const chance = 5 * Math.sqrt(200 * (percentage / 100) * (1 - percentage / 100));
      const off = plane.spreads === 'evenly' ? 1 : chance;
      expect(stage.requestsAt('new').length).to.be.closeTo(2 * percentage, off);
      expect(stage.requestsAt('old').length + stage.requestsAt('new').length).to.equal(200);
      client.destroy();
    }),
}));

const oneAtATime: Case = {
  name: 'probing one at a time: a second request, and one that may not be sent again, stay on old',
  run: async (plane) => {
    let release = (): void => undefined;
    const held = new Promise<string>((resolve) => {
      release = () => resolve(OK);
    });
    let seen = (): void => undefined;
    const arrived = new Promise<void>((resolve) => {
      seen = resolve;
    });
    const slow = ({ index }: { index: number }): string | Promise<string> => {
      seen();
      return index === 0 ? held : OK;
    };
    const state: Partial<RunState> = { state: 'probing', admitBp: 0, admission: 'one', methods: 'replayable' };
    await onStage(plane, { new: slow, state }, async (stage) => {
      expect(decisionOf(await stage.ask(request('POST', '/', [], 'x')))).to.equal('old fallback');
      const first = stage.ask(request('GET', '/first'));
      await arrived;
      expect(decisionOf(await stage.ask(request('GET', '/second')))).to.equal('old fallback');
      release();
      expect(decisionOf(await first)).to.equal('new weight');
      expect(decisionOf(await stage.ask(request('GET', '/third')))).to.equal('new weight');
      expect(stage.requestsAt('new').map(({ startLine }) => startLine)).to.deep.equal([
        'GET /first HTTP/1.1',
        'GET /third HTTP/1.1',
      ]);
    });
  },
};

const anyMethodOne: Case = {
  name: 'probing one at a time with all methods: a POST is admitted',
  run: (plane) =>
    onStage(plane, { state: { state: 'probing', admitBp: 0, admission: 'one', methods: 'all' } }, async (stage) => {
      expect(decisionOf(await stage.ask(request('POST', '/', [], 'x')))).to.equal('new weight');
    }),
};

const streamInSlot: Case = {
  name: 'probing one at a time: an event stream may be the one',
  run: (plane) => {
    const state: Partial<RunState> = { state: 'probing', admitBp: 0, admission: 'one', methods: 'replayable' };
    return onStage(plane, { state }, async (stage) => {
      const stream = request('GET', '/', ['Accept: text/event-stream']);
      expect(decisionOf(await stage.ask(stream))).to.equal('new weight');
    });
  },
};

const sticky: Case = {
  name: 'sticky: the cookie is set once, holds no target, and keeps its cluster',
  run: (plane) =>
    onStage(plane, { service: strategy('weight', { percentage: 50, sticky: 'cookie' }) }, async (stage) => {
      for (const sent of [[], ['Cookie: migration_id=new'], [`Cookie: migration_id=${'A'.repeat(32)}`]]) {
        const first = await stage.ask(request('GET', '/', sent));
        const cookie = field(first, 'set-cookie') ?? '';
        const parts = /^migration_id=([0-9a-f]{32})((?:; [^;]+)*)$/.exec(cookie);
        expect(parts, cookie).to.not.equal(null);
        const attributes = (parts?.[2] ?? '').split('; ').slice(1).sort();
        expect(attributes).to.deep.equal(['HttpOnly', 'Max-Age=2592000', 'Path=/', 'SameSite=Lax']);
        const again = await stage.ask(request('GET', '/', [`Cookie: migration_id=${parts?.[1]}`]));
        expect(field(again, 'set-cookie')).to.equal(null);
        expect(decisionOf(again)).to.equal(decisionOf(first));
      }
    }),
};

export const shares: Theme = {
  name: 'shares',
  cases: [...groupCases(GROUPS), ...spread, oneAtATime, anyMethodOne, streamInSlot, sticky],
};
