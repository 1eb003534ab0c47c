/**
 * The nginx plane with an nginx of straw: what it installs when tables, addresses and refusals change, and that what it says
 * of itself is true when nginx will not have it.
 */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { eventually } from '../../test/support/eventually.ts';
import type { ServedMigration } from '../migration/model.ts';
import { STEADY } from '../migration/run-state.ts';
import type { RoutingTable } from '../routing/table.ts';
import { NginxNotStarted, NginxPlane, type PlaneEvent } from './nginx-plane.ts';
import type { Candidate, Installed, PlaneProcess } from './plane-parts.ts';

/** Takes every text but those that name one of `poison`; with `broken` none at all. */
class StrawNginx implements PlaneProcess {
  token: string | null = null;
  readonly installs: string[] = [];
  poison: readonly string[] = [];
  broken: Installed | null = null;
  checks = 0;
  #slow: Promise<void> = Promise.resolve();
  #release = (): void => {};
  #isStopped = false;

  /** Installs wait until the returned function is called. */
  hold(): () => void {
    this.#slow = new Promise((resolve) => {
      this.#release = resolve;
    });
    return this.#release;
  }

  async check({ text }: Candidate): Promise<string | null> {
    this.checks++;
    const found = this.poison.find((word) => text.includes(word));
    return found === undefined ? null : `[emerg] invalid ${found}`;
  }

  async install(candidate: Candidate): Promise<Installed> {
    this.installs.push(candidate.text);
    await this.#slow;
    if (this.#isStopped) return { ok: false, stage: 'install', message: 'nginx is being stopped' };
    const message = await this.check(candidate);
    if (message !== null) return { ok: false, stage: 'check', message };
    if (this.broken !== null) return this.broken;
    this.token = candidate.token;
    return { ok: true };
  }

  async adopt(): Promise<boolean> {
    return this.token !== null;
  }

  async stop(): Promise<void> {
    this.token = null;
    this.#isStopped = true;
    this.#release();
  }

  runningToken(): string | null {
    return this.token;
  }
}

function service(name: string, shareBp = 100): ServedMigration {
  const target = (address: string) => ({ host: `${name}.test`, address, port: 80, protocol: 'http' });
  const migration = { name, shareBp, old: target('10.0.0.1'), new: target('new.test') };
  return { migration, standing: 'valid' } as unknown as ServedMigration;
}

function table(generation: number, ...services: ServedMigration[]): RoutingTable {
  return { generation, hash: String(generation), services };
}

function tokenOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

describe('nginx plane', () => {
  let nginx: StrawNginx;
  let events: PlaneEvent[];
  let addresses: readonly string[];
  let retained: string[][];
  let told: string[];
  let timers: { readonly fire: () => void; readonly delayMs: number }[];
  let plane: NginxPlane;

  beforeEach(() => {
    nginx = new StrawNginx();
    events = [];
    addresses = ['10.0.0.2'];
    retained = [];
    told = [];
    const set = new Set<string>();
    timers = [];
    plane = new NginxPlane({
      process: nginx,
      flags: {
        set: (name, { state }) => {
          told.push(`${name} ${state}`);
          if (state === 'steady') set.delete(name);
          else set.add(name);
        },
        isSet: (name) => set.has(name),
        takeUp: () => told.push('as before'),
        reconcile: () => {},
        retain: (names) => retained.push([...names]),
        stop: () => {},
      },
      addresses: { hold: async () => {}, addresses: () => addresses, stop: () => {} },
      render: async (services, book) => {
        const lines = services.map(({ migration: { name, shareBp }, standing }) => `${name} ${shareBp} ${standing}`);
        const text = [...lines, ...[...book].map(([host, found]) => `${host} ${found}`)].join('\n');
        const refused = services
          .filter(({ migration, standing }) => migration.name === 'unsayable' && standing === 'valid')
          .map(() => ({ service: 'unsayable', key: 'migration.hash', message: 'needs njs' }));
        return { text, token: tokenOf(text), files: new Map(), warnings: [], refused, variables: 0 };
      },
      findRefused: async (names, check) => {
        const found = new Map<string, string>();
        for (const name of names) {
          const message = await check([name]);
          if (message !== null) found.set(name, message);
        }
        return found;
      },
      outcomes: { start: async () => {}, stop: async () => {} },
      connections: () => 3,
      problems: () => [],
      now: () => 1_000,
      setTimer: (fire, delayMs) => {
        if (delayMs === 5_000) return () => {};
        timers.push({ fire, delayMs });
        return () => {};
      },
      onEvent: (event) => events.push(event),
    });
  });

  it('installs nothing before it is to listen, then the newest table', async () => {
    plane.apply(table(1, service('shop')));
    plane.apply(table(2, service('shop', 200)));
    await plane.settled();
    expect(nginx.installs).to.deep.equal([]);
    await plane.start();
    expect(nginx.installs).to.have.length(1);
    expect(nginx.installs[0]).to.include('shop 200 valid');
    expect(plane.facts()).to.deep.include({ up: true, runningGeneration: 2, reloads: { ok: 1, failed: 0 } });
  });

  it('has one change in work, and of those that wait only the newest', async () => {
    plane.apply(table(1, service('shop')));
    await plane.start();
    const release = nginx.hold();
    for (let share = 1; share <= 20; share++) plane.apply(table(share + 1, service('shop', share)));
    await eventually('it is at work', () => nginx.installs.length === 2);
    release();
    await plane.settled();
    expect(nginx.installs.length).to.be.at.most(3);
    expect(nginx.installs.at(-1)).to.include('shop 20 valid');
    expect(plane.facts().runningGeneration).to.equal(21);
  });

  it('reloads nothing for an equal text, nor after taking over an nginx that runs it', async () => {
    const text = 'shop 100 valid\n10.0.0.1 10.0.0.2\nnew.test 10.0.0.2';
    nginx.token = tokenOf(text);
    plane.apply(table(1, service('shop')));
    await plane.start();
    plane.apply(table(2, service('shop')));
    plane.refresh();
    await plane.settled();
    expect(nginx.installs).to.deep.equal([]);
    expect(plane.facts()).to.deep.include({ up: true, runningGeneration: 2, lastReload: null });
  });

  it('renders anew when addresses change', async () => {
    plane.apply(table(1, service('shop')));
    await plane.start();
    addresses = ['10.0.0.3'];
    plane.refresh();
    await plane.settled();
    expect(nginx.installs.at(-1)).to.include('new.test 10.0.0.3');
  });

  it('serves what nginx refuses by old alone, everything else as it should be, and says so once', async () => {
    nginx.poison = ['bad 100 valid'];
    const bad = service('bad');
    plane.apply(table(1, service('a'), bad, service('z')));
    await plane.start();
    expect(nginx.installs.at(-1)).to.include('a 100 valid\nbad 100 invalid\nz 100 valid');
    const [refusal] = plane.facts().refusals;
    expect(refusal.service).to.equal('bad');
    expect(refusal.message)
      .to.include('its old cluster alone serves it')
      .and.to.include('[emerg] invalid bad 100 valid');
    const { checks } = nginx;
    plane.apply(table(2, service('a', 300), bad, service('z')));
    await plane.settled();
    expect(nginx.checks - checks, 'it is not searched for again').to.equal(1);
    expect(events.filter(({ kind }) => kind === 'refused')).to.have.length(1);
    const taken = () => events.flatMap((event) => (event.kind === 'taken' ? [event.refusals] : []));
    expect(taken()).to.deep.equal([[refusal], [refusal]]);
    plane.apply(table(3, service('a'), service('bad', 200)));
    await plane.settled();
    expect(plane.facts().refusals).to.deep.equal([]);
    expect(taken().at(-1)).to.deep.equal([]);
  });

  it('leaves out what even by old alone is refused, and what the text cannot say goes to old', async () => {
    nginx.poison = ['worse'];
    plane.apply(table(1, service('good'), service('unsayable'), service('worse')));
    await plane.start();
    expect(nginx.installs.at(-1)).to.include('good 100 valid\nunsayable 100 invalid\n10.');
    expect(plane.facts().refusals.map(({ service: name, message }) => [name, message])).to.deep.equal([
      ['unsayable', 'nginx cannot serve it as it is configured, so its old cluster alone serves it: needs njs'],
      ['worse', 'nginx cannot serve it as it is configured, so it is not served: [emerg] invalid worse'],
    ]);
  });

  it('tells of a failure in the words of nginx, tries again ever later, and forgets it when all is well', async () => {
    plane.apply(table(1, service('shop')));
    await plane.start();
    nginx.broken = { ok: false, stage: 'reload', message: 'bind() to 0.0.0.0:80 failed (98: Address already in use)' };
    plane.apply(table(2, service('shop', 200)));
    await plane.settled();
    expect(plane.facts()).to.deep.include({ up: true, runningGeneration: 1, reloads: { ok: 1, failed: 1 } });
    expect(plane.facts().lastReload).to.deep.equal({ atMs: 1_000, ok: false, error: nginx.broken.message });
    for (let i = 0; i < 8; i++) {
      timers.at(-1)?.fire();
      await plane.settled();
    }
    expect(timers.map(({ delayMs }) => delayMs)).to.deep.equal([
      1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000,
    ]);
    nginx.broken = null;
    timers.at(-1)?.fire();
    await plane.settled();
    expect(plane.facts()).to.deep.include({ runningGeneration: 2, reloads: { ok: 2, failed: 9 } });
    expect(plane.facts().lastReload).to.deep.include({ ok: true, error: null });
  });

  it('does not claim to listen when nothing could be started', async () => {
    nginx.broken = { ok: false, stage: 'start', message: 'bind() failed' };
    plane.apply(table(1, service('shop')));
    const error = await plane.start().catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(NginxNotStarted).with.property('message', 'bind() failed');
  });

  it('listens when the new text fails, but the nginx of before serves on', async () => {
    nginx.token = 'of-before';
    nginx.poison = ['10.0.0.1'];
    plane.apply(table(1, service('shop')));
    await plane.start();
    expect(plane.facts()).to.deep.include({ up: true, runningGeneration: null });
    expect(plane.facts().lastReload?.ok).to.equal(false);
  });

  it('forgets the run state of services only once nginx no longer sends them anywhere', async () => {
    plane.apply(table(1, service('shop'), service('pay')));
    await plane.start();
    const release = nginx.hold();
    plane.apply(table(2, service('shop')));
    await eventually('it is at work', () => nginx.installs.length === 2);
    expect(retained).to.deep.equal([['shop', 'pay']]);
    release();
    await plane.settled();
    expect(retained.at(-1)).to.deep.equal(['shop']);
  });

  it('lets a service go to new only under the text it was decided for, and to old at once', async () => {
    plane.apply(table(1, service('shop'), service('pay')));
    await plane.start();
    const release = nginx.hold();
    plane.apply(table(2, service('shop', 200), service('pay', 200)));
    plane.setRunState('shop', STEADY);
    plane.setRunState('pay', STEADY);
    plane.setRunState('pay', { ...STEADY, state: 'fallen_back', admitBp: 0 });
    expect(told).to.deep.equal(['pay fallen_back']);
    release();
    await plane.settled();
    expect(told).to.deep.equal(['pay fallen_back', 'shop steady']);
    plane.setRunState('pay', STEADY);
    expect(told.at(-1)).to.equal('pay steady');
  });

  it('keeps a service on old whose edit nginx did not take, and says so: it recovered at another backend', async () => {
    const pay = service('pay');
    plane.apply(table(1, service('shop'), pay));
    await plane.start();
    for (const name of ['shop', 'pay']) plane.setRunState(name, { ...STEADY, state: 'fallen_back', admitBp: 0 });
    told = [];
    nginx.broken = { ok: false, stage: 'reload', message: 'no room' };
    plane.apply(table(2, service('shop', 200), pay));
    plane.setRunState('shop', STEADY);
    plane.setRunState('pay', STEADY);
    await plane.settled();
    plane.setRunState('shop', STEADY);
    expect(told).to.deep.equal(['pay steady']);
    expect(plane.facts().warnings.join()).to.match(/^shop: .* newest configuration$/);
    nginx.broken = null;
    timers.at(-1)?.fire();
    await plane.settled();
    expect(told).to.deep.equal(['pay steady', 'shop steady']);
    expect(plane.facts().warnings).to.deep.equal([]);
  });

  it('leaves an nginx of before what it was told, but for fallbacks, until it runs the newest text', async () => {
    nginx.token = 'of-before';
    const release = nginx.hold();
    plane.apply(table(1, service('shop'), service('pay')));
    plane.setRunState('shop', STEADY);
    plane.setRunState('pay', { ...STEADY, state: 'fallen_back', admitBp: 0 });
    const starting = plane.start();
    await eventually('it is at work', () => nginx.installs.length === 1);
    expect(told).to.deep.equal(['as before', 'pay fallen_back']);
    release();
    await starting;
    expect(told).to.deep.equal(['as before', 'pay fallen_back', 'shop steady']);
  });

  it('tells nginx of run states once there is a directory for them', async () => {
    plane.apply(table(1, service('shop')));
    plane.setRunState('shop', { ...STEADY, state: 'fallen_back', admitBp: 0 });
    expect(told).to.deep.equal([]);
    await plane.start();
    expect(told).to.deep.equal(['shop fallen_back']);
  });

  it('breaks off the change in work where it is to end, and tells of no failure', async () => {
    plane.apply(table(1, service('shop')));
    await plane.start();
    nginx.hold();
    plane.apply(table(2, service('shop', 200)));
    await eventually('it is at work', () => nginx.installs.length === 2);
    await plane.drain(1_000);
    expect(events.map(({ kind }) => kind).filter((kind) => kind !== 'taken')).to.deep.equal(['installed']);
    expect(plane.facts()).to.deep.include({ up: false, runningGeneration: 1 });
  });

  it('may be ended while it starts', async () => {
    plane.apply(table(1, service('shop')));
    nginx.hold();
    const starting = plane.start();
    await eventually('it is at work', () => nginx.installs.length === 1);
    await plane.drain(0);
    await starting;
    const early = plane.start();
    await plane.drain(0);
    await early;
    expect(nginx.installs).to.have.length(1);
    expect(events).to.deep.equal([]);
  });

  it('does nothing more once it has been drained', async () => {
    plane.apply(table(1, service('shop')));
    await plane.start();
    await plane.drain(1_000);
    plane.apply(table(2, service('shop', 200)));
    plane.setRunState('shop', STEADY);
    await plane.settled();
    expect(nginx.installs).to.have.length(1);
    expect(plane.facts().up).to.equal(false);
  });
});
