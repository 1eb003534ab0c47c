/** What a change of the configuration, or of a service's run state, makes of the next request, and what it leaves alone. */
import { expect } from 'chai';
import { type RunState, STEADY } from '../../../src/migration/run-state.ts';
import { type Configuration, HOST, type ServiceText, servicesOf } from '../configuration.ts';
import { decisionOf, errorIn, type Given, head, onStage, request, type Stage } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

const FALLEN: Partial<RunState> = { state: 'fallen_back', admitBp: 0 };
const OTHER: ServiceText = { name: 'other', old_host: 'other.example' };

async function reconfigure(stage: Stage, configuration: Configuration): Promise<void> {
  await stage.under.serve(servicesOf(configuration, { old: stage.under.old.port, new: stage.under.new.port }));
}

async function decided(stage: Stage, ...lines: readonly string[]): Promise<string> {
  return decisionOf(await stage.ask(request('GET', '/', lines)));
}

const changed = (name: string, given: Given, act: (stage: Stage) => Promise<void>): Case => ({
  name,
  run: (plane) => onStage(plane, given, act),
});

const toNew = (value: string): ServiceText => ({
  migration: { percentage: 0 },
  canary: { header_rules: [{ header: 'X-Target', value, target: 'new_cluster' }] },
});

const cases: readonly Case[] = [
  changed('a service that fell back stays on old over a change of its rules', { state: FALLEN }, async (stage) => {
    expect(await decided(stage)).to.equal('old fallback');
    await reconfigure(stage, { service: { migration: { percentage: 99 } } });
    expect(await decided(stage)).to.equal('old fallback');
    await reconfigure(stage, { services: [{ migration: { percentage: 98 } }, OTHER] });
    expect(await decided(stage)).to.equal('old fallback');
    await stage.under.setRunState('shop', { ...STEADY });
    expect(await decided(stage, 'X-Request-ID: x')).to.match(/^(old|new) weight$/);
  }),
  changed('another service does not fall back with it', { services: [{}, OTHER], state: FALLEN }, async (stage) => {
    expect(await decided(stage)).to.equal('old fallback');
    const answer = await stage.ask(head('GET / HTTP/1.1', 'Host: other.example'));
    expect(decisionOf(answer)).to.equal('new weight');
  }),
  changed(
    'a step of probing is the same over a change',
    {
      service: { migration: { strategy: 'user' } },
      state: { state: 'probing', admitBp: 2500 },
    },
    async (stage) => {
      const both = async (): Promise<string[]> => [
        await decided(stage, 'X-User-ID: erin'),
        await decided(stage, 'X-User-ID: judy'),
      ];
      expect(await both()).to.deep.equal(['new user', 'old fallback']);
      await reconfigure(stage, { services: [{ migration: { strategy: 'user' } }, OTHER] });
      expect(await both()).to.deep.equal(['new user', 'old fallback']);
    },
  ),
  changed('every step up and down, one after the other', { state: FALLEN }, async (stage) => {
    const steps: readonly [Partial<RunState>, string][] = [
      [{ state: 'probing', admitBp: 10_000 }, 'new weight'],
      [FALLEN, 'old fallback'],
      [{ state: 'probing', admitBp: 0, admission: 'one', methods: 'replayable' }, 'new weight'],
      [{ state: 'probing', admitBp: 0, admission: 'one', methods: 'all' }, 'new weight'],
      [FALLEN, 'old fallback'],
      [{}, 'new weight'],
      [FALLEN, 'old fallback'],
    ];
    for (const [state, expected] of steps) {
      await stage.under.setRunState('shop', { ...STEADY, ...state });
      expect(await decided(stage), JSON.stringify(state)).to.equal(expected);
    }
  }),
  changed('a rule that changes holds for the next request', { service: toNew('a') }, async (stage) => {
    expect(await decided(stage, 'X-Target: a')).to.equal('new header');
    await reconfigure(stage, { service: toNew('b') });
    expect(await decided(stage, 'X-Target: a')).to.equal('old weight');
    expect(await decided(stage, 'X-Target: b')).to.equal('new header');
  }),
  changed('a service comes and goes', {}, async (stage) => {
    const ask = (): Promise<string | number> =>
      stage.ask(head('GET / HTTP/1.1', 'Host: other.example')).then((answer) => errorIn(answer) ?? answer.status);
    expect(await ask()).to.equal('no_such_host');
    await reconfigure(stage, { services: [{}, OTHER] });
    expect(await ask()).to.equal(200);
    await reconfigure(stage, {});
    expect(await ask()).to.equal('no_such_host');
    expect(await decided(stage)).to.equal('new weight');
  }),
  changed('a host is divided by path, and whole again', {}, async (stage) => {
    const divided = { services: [{}, { ...OTHER, old_host: HOST, path_prefix: '/api', migration: { percentage: 0 } }] };
    const api = async (): Promise<string> => decisionOf(await stage.ask(request('GET', '/api/x')));
    expect(await api()).to.equal('new weight');
    await reconfigure(stage, divided);
    expect(await api()).to.equal('old weight');
    expect(await decided(stage)).to.equal('new weight');
    await reconfigure(stage, {});
    expect(await api()).to.equal('new weight');
  }),
];

export const changes: Theme = { name: 'changes', cases };
