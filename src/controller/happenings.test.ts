import { expect } from 'chai';
import { sampleFallback } from '../../test/support/status-samples.ts';
import type { FallbackView } from '../fallback/view.ts';
import type { SourceRead } from '../migration/candidates.ts';
import { readSource } from '../migration/parse.ts';
import { ChangeLog } from './change-log.ts';
import { Configuration } from './configuration.ts';
import type { Happening } from './happening.ts';
import { Happenings } from './happenings.ts';
import { History } from './history.ts';

const SHOP = 'configmap:prod/shop';
const START_MS = Date.UTC(2026, 0, 1);

const service = (name: string, percentage: number | string, more = '') =>
  `  - { name: ${name}, old_host: ${name}.old, old_backend: "o-${name}:80", new_host: ${name}.new, new_backend: "n-${name}:80", migration: { percentage: ${percentage} }${more} }\n`;
const text = (...services: string[]) => (services.length === 0 ? 'services: []' : `services:\n${services.join('')}`);

interface Author {
  readonly by?: string | null;
  readonly reason?: string;
  readonly manager?: string;
}

/** One replica's view of its configuration, and all that it tells. */
class Teller {
  readonly lines: string[] = [];
  readonly events: Happening[] = [];
  readonly history = new History();
  readonly changes = new ChangeLog(() => []);
  readonly configuration = new Configuration();
  readonly happenings: Happenings;
  nowMs = START_MS;
  #version = 100;

  constructor(replica = 'pod-a', source = SHOP) {
    const line = (_: object, message: string) => void this.lines.push(message);
    const log = { debug: line, info: line, warn: line, error: line };
    const { history, changes } = this;
    const onEvent = (happening: Happening) => void this.events.push(happening);
    this.happenings = new Happenings({ log, history, changes, onEvent, replica, source, now: () => this.nowMs });
  }

  /** A later version of a ConfigMap; null: it is gone. */
  edit(yaml: string | null, author: Author = {}, id = SHOP): void {
    const version = { uid: `uid-${id}`, resourceVersion: String(++this.#version), by: null, reason: '', ...author };
    const read = yaml === null ? 'gone' : readSource({ file: id, text: yaml, kind: 'configmap' });
    this.take([{ id, read, version }]);
  }

  take(reads: readonly SourceRead[]): void {
    const before = this.configuration.table;
    this.configuration.take(reads, [], this.nowMs);
    this.happenings.rejected(this.configuration, reads);
    if (this.configuration.table !== before) this.happenings.applied(this.configuration, before, reads);
  }

  step(name: string, from: FallbackView['state'], changes: Partial<FallbackView>): void {
    const view = sampleFallback({ sinceMs: this.nowMs, ...changes });
    this.happenings.transition(name, from, view.state, view);
  }

  told(): string[] {
    return this.events.map(({ kind, service: name }) => `${kind} ${name}`);
  }

  remembered(): string[] {
    return this.history.entries().map((entry) => `${entry.kind} ${entry.service} ${entry.from} -> ${entry.to}`);
  }
}

describe('Happenings', () => {
  let teller: Teller;
  beforeEach(() => {
    teller = new Teller();
    teller.edit(text(service('a', 20), service('b', 0)));
  });

  it('the first configuration is an Event of its text, and no change of any service', () => {
    expect(teller.told()).to.deep.equal(['applied null']);
    expect(teller.events[0]).to.include({ message: 'resourceVersion 101 is served: 2 services', by: SHOP });
    expect(teller.events[0].about).to.deep.equal({ uid: `uid-${SHOP}`, namespace: 'prod', name: 'shop' });
    expect(teller.remembered()).to.deep.equal([]);
  });

  it('an edit of a percentage is told with its author and why', () => {
    teller.nowMs += 1_000;
    teller.edit(text(service('a', 30), service('b', 0)), { by: 'cli:ada', reason: 'a quiet night' });
    expect(teller.lines).to.deep.equal(['a: percentage 20 -> 30']);
    expect(teller.told().slice(1)).to.deep.equal(['percentage a', 'applied null']);
    expect(teller.events[2].message).to.equal('resourceVersion 102 is served: a (percentage 20 -> 30)');
    const [entry] = teller.history.entries();
    expect(entry).to.deep.include({
      by: 'cli:ada',
      why: 'a quiet night',
      from: '20 %',
      to: '30 %',
      kind: 'percentage',
    });
    expect(entry).to.include({ at: '2026-01-01T00:00:01.000Z', message: 'a: 20 % -> 30 %, by cli:ada: a quiet night' });
    expect(teller.changes.lastOf('a')).to.deep.equal({ atMs: teller.nowMs, by: 'cli:ada', reason: 'a quiet night' });
  });

  it('other replicas tell the same things under the same ids, at other times', () => {
    const other = new Teller('pod-b');
    other.nowMs += 300;
    for (const replica of [teller, other]) {
      if (replica === other) other.edit(text(service('a', 20), service('b', 0)));
      replica.edit(text(service('a', 30), service('c', 5)), { by: 'kubectl-edit' });
      replica.edit(text(service('a', 'x'), service('c', 5)), { by: 'kubectl-edit' });
      replica.step('a', 'steady', {
        state: 'fallen_back',
        trips: 1,
        reason: 'dead',
        trippedBy: replica.history ? 'p' : null,
      });
      replica.step('a', 'fallen_back', { state: 'probing', trips: 1 });
      replica.step('a', 'probing', { state: 'steady', trips: 1, reason: 'recovered' });
    }
    const ids = (replica: Teller) => replica.history.entries().map(({ id }) => id);
    expect(ids(other)).to.have.members(ids(teller));
    expect(ids(other)).to.have.length(7);
    expect(other.events.map(({ identity }) => identity)).to.deep.equal(teller.events.map(({ identity }) => identity));
  });

  it('services that come and go, and other keys, are changes without an Event of their own', () => {
    teller.edit(text(service('a', 20, ', timeout: 5s'), service('c', 0)), { by: 'kubectl-edit' });
    expect(teller.remembered()).to.have.members([
      'changed a null -> timeout',
      'changed c null -> added',
      'changed b null -> removed',
    ]);
    expect(teller.events.at(-1)?.message).to.equal(
      'resourceVersion 102 is served: a (timeout), c (added), b (removed)',
    );
    expect(teller.history.entries().map(({ by }) => by)).to.deep.equal([
      'kubectl-edit',
      'kubectl-edit',
      'kubectl-edit',
    ]);
  });

  it('an edit that changes many services alike is one entry', () => {
    const all = (...more: string[]) => text(...Array.from({ length: 300 }, (_, i) => service(`s${i}`, 1, more[0])));
    teller.edit(all(), {}, 'configmap:prod/many');
    expect(teller.remembered()).to.deep.equal(['changed null null -> 300 services: added']);
    teller.edit(all(', timeout: 5s'), {}, 'configmap:prod/many');
    const [, { message, to }] = teller.history.entries();
    expect(to).to.equal('300 services: timeout');

    expect(message).to.match(/^300 services: timeout, by configmap:prod\/many \(s0, s1, .* and \d+ more\)$/);
    expect(Buffer.byteLength(message)).to.be.below(1_024);
  });

  it('who announced an edit through us is its author, before the source says anything', () => {
    const forget = teller.changes.announce('a', { by: 'ann', reason: 'now' });
    teller.edit(text(service('a', 21), service('b', 0)));
    forget();
    expect(teller.history.entries()[0]).to.include({ by: 'ann', why: 'now' });
  });

  describe('errors', () => {
    const BAD = text(service('a', 200), service('b', 0));

    it('name line, column and path, once for a version of the text, however often it is read', () => {
      teller.edit(BAD, { by: 'kubectl-edit' });
      teller.take([{ id: SHOP, read: readSource({ file: SHOP, text: BAD, kind: 'configmap' }) }]);
      const rejected = teller.events.filter(({ kind }) => kind === 'rejected');
      expect(rejected).to.have.length(1);
      expect(rejected[0]).to.include({ service: 'a', by: 'kubectl-edit', identity: `uid-${SHOP}@102` });
      expect(rejected[0].message).to.match(
        /^a: line 2, column \d+: services\[0\]\.migration\.percentage: .*; its last good version is served on$/,
      );
      expect(teller.remembered()).to.deep.equal(['rejected a null -> null']);
    });

    it('that stay are an Event of each further version, but stand in the history once', () => {
      teller.edit(BAD);
      teller.edit(text(service('a', 200), service('b', 7)));
      expect(teller.told().filter((line) => line === 'rejected a')).to.have.length(2);
      expect(teller.remembered()).to.deep.equal(['rejected a null -> null', 'percentage b 0 % -> 7 %']);
      teller.edit(text(service('a', 20), service('b', 7)));
      expect(teller.remembered().at(-1)).to.equal('changed a null -> valid again');
    });

    it('of a whole text belong to no service, and so does a ConfigMap that is gone', () => {
      teller.edit('services: [');
      expect(teller.events.at(-1)?.message).to.match(
        /^configmap:prod\/shop: line 1, column \d+: .*; what was last good is served on$/,
      );
      teller.edit(null);
      expect(teller.events.at(-1)?.message).to.equal(
        'configmap:prod/shop is gone; its 2 services go on as last good: a, b',
      );
      expect(teller.remembered()).to.deep.equal(['rejected null null -> null', 'rejected null null -> null']);
    });

    it('are told before anything is served', () => {
      const fresh = new Teller();
      fresh.edit('- no');
      expect(fresh.told()).to.deep.equal(['rejected null']);
      fresh.edit(text(service('a', 'x')));
      expect(fresh.events.at(-2)?.message).to.match(/; old alone serves it$/);
    });
  });

  describe('services that nginx refuses', () => {
    const refusals = (message = 'nginx cannot serve it: too long') => [{ service: 'a', message }];

    it('are told to the team of their ConfigMap, once for each version of it, with its author', () => {
      teller.edit(text(service('a', 30), service('b', 0)), { by: 'kubectl-edit' });
      const told = teller.events.length;
      teller.happenings.refused(refusals());
      teller.happenings.refused(refusals());
      expect(teller.told().slice(told)).to.deep.equal(['rejected a']);
      expect(teller.events.at(-1)).to.deep.include({
        message: 'a: line 2, column 5: services[0]: nginx cannot serve it: too long',
        by: 'kubectl-edit',
        identity: `uid-${SHOP}@102 nginx`,
        about: { uid: `uid-${SHOP}`, namespace: 'prod', name: 'shop' },
      });
      teller.edit(text(service('a', 30), service('b', 5)));
      teller.happenings.refused(refusals());
      teller.happenings.refused(refusals('nginx cannot serve it: too long still'));
      expect(teller.told().filter((line) => line === 'rejected a')).to.have.length(3);
      expect(teller.remembered().filter((line) => line.startsWith('rejected'))).to.have.length(2);
    });

    it('are told to be well when nginx takes them again, and not when they are gone', () => {
      teller.happenings.refused([...refusals(), { service: 'b', message: 'nor this' }]);
      teller.edit(text(service('a', 20)), {});
      teller.happenings.refused([]);
      expect(teller.told().slice(-1)).to.deep.equal(['applied a']);
      expect(teller.events.at(-1)?.message).to.equal('a: nginx serves it as it is configured again');
      expect(teller.lines.at(-1)).to.equal(teller.events.at(-1)?.message);
      teller.happenings.refused([]);
      expect(teller.told().filter((line) => line.startsWith('applied '))).to.have.length(3);
    });

    it('of a file stand in the history, and in it once', () => {
      const alone = new Teller('host:8000', 'file:m.yaml');
      alone.take([{ id: '/m.yaml', read: readSource({ file: 'm.yaml', text: text(service('a', 1)), kind: 'file' }) }]);
      alone.happenings.refused(refusals());
      alone.nowMs += 1_000;
      alone.happenings.refused(refusals());
      expect(alone.remembered()).to.deep.equal(['rejected a null -> null']);
      expect(alone.history.entries()[0].by).to.equal('file:m.yaml');
    });
  });

  describe('percentages that another manager sets back', () => {
    const at = (percentage: number) => text(service('a', percentage), service('b', 0));
    const ours = { by: 'cli:ada', reason: 'up', manager: 'migration-proxy' };
    const argo = { by: 'argocd-controller', manager: 'argocd-controller' };

    it('are reverts: they name the manager and the cure', () => {
      teller.edit(at(30), ours);
      teller.nowMs += 60_000;
      teller.edit(at(20), argo);
      const reverted = teller.events.find(({ kind }) => kind === 'reverted');
      expect(reverted?.message).to.equal(
        'a: 30 %, written by cli:ada, was set back to 20 % by argocd-controller: it keeps the object as it stands elsewhere: commit 30 % where it reads, or it undoes every edit',
      );
      expect(teller.remembered()).to.deep.equal(['percentage a 20 % -> 30 %', 'reverted a 30 % -> 20 %']);
    });

    it('are no reverts after an hour, to another value, or by ourselves', () => {
      teller.edit(at(30), ours);
      teller.nowMs += 3_600_001;
      teller.edit(at(20), argo);
      teller.edit(at(30), ours);
      teller.edit(at(40), argo);
      teller.edit(at(50), ours);
      teller.edit(at(40), ours);
      teller.edit(at(50), argo);
      expect(teller.told().filter((line) => line.startsWith('reverted'))).to.deep.equal(['reverted a']);
      expect(teller.remembered().at(-1)).to.equal('reverted a 40 % -> 50 %');
    });
  });

  describe('fallbacks', () => {
    it('are told as they fall, probe, recover, and as people hold and resume them', () => {
      teller.step('a', 'steady', { state: 'fallen_back', trips: 1, reason: 'connect refused', trippedBy: 'pod-b' });
      teller.nowMs += 1_000;
      teller.step('a', 'fallen_back', { state: 'probing', trips: 1, probeShare: 0, reason: 'probing: well' });
      teller.step('a', 'probing', { state: 'probing', trips: 1, probeShare: 25 });
      teller.nowMs += 1_000;
      teller.step('a', 'probing', { state: 'steady', trips: 1, reason: 'recovered: all well' });
      const hold = { by: 'ann', atMs: teller.nowMs + 5, reason: 'checkout fails' };
      teller.step('a', 'steady', { state: 'fallen_back', hold, reason: 'aborted by ann: checkout fails' });
      teller.nowMs += 1_000;
      teller.step('a', 'fallen_back', { state: 'steady', trips: 0, reason: 'resumed by ann: fixed' });
      teller.happenings.resumed('a', 'ann', 'fixed');
      expect(teller.history.entries().map(({ by, kind, message }) => `${kind} ${by} | ${message}`)).to.deep.equal([
        'fallen_back pod-b | a: falls back to old: connect refused',
        'probing pod-a | a: tries new again with one request at a time',
        'recovered pod-a | a: steady: recovered: all well',
        'held ann | a: held on old by ann: checkout fails',
        'resumed ann | a: resumed by ann: fixed',
      ]);
      expect(teller.events.slice(1).every(({ about }) => about?.name === 'shop')).to.equal(true);
      expect(teller.lines).to.have.length(6);
    });

    it('without a cluster stand in the history alone', () => {
      const alone = new Teller('host:8000', 'file:m.yaml');
      alone.take([{ id: '/m.yaml', read: readSource({ file: 'm.yaml', text: text(service('a', 1)), kind: 'file' }) }]);
      alone.take([{ id: '/m.yaml', read: readSource({ file: 'm.yaml', text: text(service('a', 2)), kind: 'file' }) }]);
      alone.nowMs += 1_000;
      alone.take([{ id: '/m.yaml', read: readSource({ file: 'm.yaml', text: text(service('a', 1)), kind: 'file' }) }]);
      alone.nowMs += 1_000;
      alone.take([{ id: '/m.yaml', read: readSource({ file: 'm.yaml', text: text(service('a', 2)), kind: 'file' }) }]);
      alone.take([
        { id: '/m.yaml', read: readSource({ file: 'm.yaml', text: text(service('a', 'x')), kind: 'file' }) },
      ]);
      alone.take([
        { id: '/m.yaml', read: readSource({ file: 'm.yaml', text: text(service('a', 'x')), kind: 'file' }) },
      ]);
      expect(alone.remembered()).to.have.length(4);
      expect(alone.history.entries().map(({ by }) => by)).to.deep.equal(Array(4).fill('file:m.yaml'));
      expect(alone.events).to.deep.equal([]);
    });
  });
});
