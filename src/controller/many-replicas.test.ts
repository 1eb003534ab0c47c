/**
 * Three replicas through random histories: clusters that come and go for one or for all, lost answers, partitions, crashes, people,
 * edits that arrive one after the other. And 500 services that trip at once.
 */

import { expect } from 'chai';
import fc from 'fast-check';
import { seededRandom } from '../../test/support/seeded-random.ts';
import { openness, Replica, Stage, Store, StoreClient, said, service, type Weather } from './replica-world.test.ts';
import { isHeld } from './state-text.ts';

const NAMES = ['a', 'b'] as const;
const CALM: Weather = { delayMs: 30, lost: 0 };

interface Traffic {
  /** Of new, as this replica sees it. */
  isUp: boolean;
  /** Mean ms between requests; 0: none. */
  everyMs: number;
  replayable: boolean;
}

interface Word {
  readonly what: 'abort' | 'resume';
  /** The one before it was shared by all already. */
  readonly isAlone: boolean;
  isShared: boolean;
}

class World {
  readonly stage = new Stage();
  readonly store = new Store();
  readonly random: () => number;
  replicas: Replica[] = [];
  readonly traffic = new Map<string, Traffic>();
  ports = new Map<string, number>();
  weather: Weather = CALM;
  /** The last word of a person. */
  readonly words = new Map<string, Word>();
  readonly #probing = new Set<string>();
  #watched = -1;
  #watchedMs = 0;
  /** Services that were resumed, or reset by an edit: their trips begin anew. */
  readonly begunAnew = new Set<string>();

  constructor(seed: number) {
    this.random = seededRandom(seed);
    for (const name of NAMES) this.ports.set(name, 80);
    for (let i = 0; i < 3; i++) this.boot(i, null);
    this.replicas[0].isLeader = true;
  }

  boot(index: number, stored: unknown): void {
    const client = new StoreClient(this.store, this.stage, this.random, this.weather);
    const replica = new Replica(`pod-${index}`, this.stage, client, this.random, (name) => this.begunAnew.has(name));
    this.replicas[index] = replica;
    if (stored !== null) replica.board.restore(stored);
    void replica.sharing.start(replica.board);
    this.configure(replica);
    for (const name of NAMES) {
      this.#probing.delete(`${index} ${name}`);
      this.traffic.set(`${index} ${name}`, { isUp: true, everyMs: 700, replayable: true });
    }
    this.#keepAsking(replica, index);
    this.#keepChecking(replica, index);
  }

  configure(replica: Replica): void {
    replica.cause = 'configuration';
    replica.board.apply(NAMES.map((name) => service(name, this.ports.get(name))));
    replica.cause = 'itself';
  }

  edit(name: string): void {
    this.ports.set(name, (this.ports.get(name) ?? 80) + 1);
    this.begunAnew.add(name);
    for (const replica of this.replicas) this.stage.setTimer(() => this.configure(replica), this.random() * 500);
  }

  async say(index: number, name: string, what: 'abort' | 'resume'): Promise<void> {
    const replica = this.replicas[index];
    const before = this.words.get(name);
    // Two words that cross are a race that either may win.
    const word = { what, isAlone: before === undefined || before.isShared, isShared: false };
    this.words.set(name, word);
    const known = JSON.stringify(replica.board.view(name)?.hold ?? null);
    this.begunAnew.add(name);
    replica.cause = 'person';
    replica.board[what](name, `person-${Math.floor(this.random() * 100)}`, '');
    replica.cause = 'itself';
    while (!word.isShared && this.replicas[index] === replica) {
      await new Promise<void>((resolve) => void this.stage.setTimer(resolve, 100));
      word.isShared = await replica.sharing.isShared(name, 10);
    }
    // A resume on a replica that had not heard of the hold yet gives way to it, and the person is told.
    const now = replica.board.view(name)?.hold ?? null;
    if (what === 'resume' && now !== null && JSON.stringify(now) !== known) word.isAlone = false;
  }

  crash(index: number): void {
    const replica = this.replicas[index];
    const stored = this.random() < 0.5 ? JSON.parse(JSON.stringify(replica.board.toStored())) : null;
    replica.kill();
    this.boot(index, stored);
  }

  async pass(ms: number): Promise<void> {
    await this.stage.pass(ms, () => this.watch());
  }

  /** Holds at each moment. */
  watch(): void {
    // Each change of what is shared, and now and then besides.
    if (this.store.version === this.#watched && this.stage.nowMs - this.#watchedMs < 100) return;
    this.#watched = this.store.version;
    this.#watchedMs = this.stage.nowMs;
    const quiet = this.replicas.filter((replica) => replica.isQuiet());
    for (const name of NAMES) {
      const shared = said(this.store.values.get(name), this.stage.nowMs);
      for (const { board, name: replica, runs } of quiet) {
        const view = board.view(name);
        const text = this.store.values.get(name);
        if (text !== undefined && !board.isUsed(name, text)) continue;
        const [kind, trips] = [shared?.phase.kind ?? 'steady', shared?.phase.trips ?? 0];
        expect(view?.state, `${name} at ${replica}, shared ${text}`).to.equal(kind);
        expect(view?.trips, `${name} at ${replica}`).to.equal(trips);
        expect(view?.hold?.by, `${name} at ${replica}`).to.equal(
          shared !== null && isHeld(shared.phase) && shared.phase.kind === 'fallen_back'
            ? shared.phase.hold?.by
            : undefined,
        );
        const allowed =
          kind === 'probing' && shared?.phase.kind === 'probing' && shared.phase.step === 0
            ? 1
            : openness(shared?.phase.run ?? ({ state: 'steady' } as never));
        expect(openness(runs.get(name)!), `${name} at ${replica}`).to.be.at.most(Math.max(1, allowed));
      }
      if (quiet.length === 3) {
        const senders = quiet.filter(({ runs }) => runs.get(name)?.admission === 'one');
        expect(senders.length, `${name}: one at a time over all`).to.be.at.most(1);
      }
    }
  }

  #keepAsking(replica: Replica, index: number): void {
    for (const name of NAMES) {
      const traffic = this.traffic.get(`${index} ${name}`)!;
      const next = (): void => {
        const everyMs = traffic.everyMs === 0 ? 1_000 : traffic.everyMs;
        this.stage.setTimer(
          () => {
            if (this.replicas[index] !== replica) return;
            if (traffic.everyMs > 0) this.#request(replica, index, name, traffic);
            next();
          },
          everyMs * (0.5 + this.random()),
        );
      };
      next();
    }
  }

  #request(replica: Replica, index: number, name: string, { isUp, replayable }: Traffic): void {
    const run = replica.runs.get(name)!;
    const key = `${index} ${name}`;
    const probe = run.admission === 'one' && run.state === 'probing';
    const admitted = probe
      ? !this.#probing.has(key) && (replayable || run.methods === 'all')
      : this.random() * 10_000 < run.admitBp;
    if (!admitted) {
      if (run.state !== 'steady') replica.board.requested(name);
      return;
    }
    if (probe) this.#probing.add(key);
    const startedMs = this.stage.nowMs;
    this.stage.setTimer(() => {
      this.#probing.delete(key);
      if (this.replicas[index] !== replica) return;
      const times = { startedMs, endedMs: this.stage.nowMs };
      const come = { status: isUp ? 200 : 0, failure: isUp ? null : ('connect' as const), message: '' };
      replica.board.outcome({ service: name, cluster: 'new', ...times, ...come, probe });
    }, this.random() * 100);
  }

  #keepChecking(replica: Replica, index: number): void {
    let nextMs = this.stage.nowMs + this.random() * 2_000;
    const look = (): void => {
      if (this.replicas[index] !== replica) return;
      const asked = new Set(replica.checks.splice(0));
      const isTime = this.stage.nowMs >= nextMs;
      if (isTime) nextMs += 2_000;
      for (const name of NAMES) {
        if (!isTime && !asked.has(name)) continue;
        replica.board.check(name, 'old', null);
        replica.board.check(name, 'new', this.traffic.get(`${index} ${name}`)?.isUp ? null : 'refused');
      }
      this.stage.setTimer(look, 500);
    };
    this.stage.setTimer(look, 500);
  }
}

const which = fc.nat(2);
const names = fc.constantFrom(...NAMES);
const happenings = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('health' as const),
      name: names,
      at: fc.constantFrom(0, 1, 2, 'all' as const),
      isUp: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('cut' as const),
      at: which,
      forMs: fc.integer({ min: 100, max: 30_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('crash' as const), at: which }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('say' as const),
      at: which,
      name: names,
      word: fc.constantFrom('abort' as const, 'resume' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('weather' as const),
      delayMs: fc.constantFrom(5, 50, 800),
      lost: fc.constantFrom(0, 0.1, 0.4),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('edit' as const), name: names }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('traffic' as const),
      at: which,
      name: names,
      everyMs: fc.constantFrom(0, 50, 400, 8_000),
      replayable: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('lead' as const), at: which }) },
);
type Happening = typeof happenings extends fc.Arbitrary<infer T> ? T : never;

function happen(world: World, event: Happening): void {
  switch (event.what) {
    case 'health':
      for (const at of event.at === 'all' ? [0, 1, 2] : [event.at])
        world.traffic.get(`${at} ${event.name}`)!.isUp = event.isUp;
      return;
    case 'cut': {
      const { client } = world.replicas[event.at];
      if (client.isCut) return;
      client.cut();
      world.stage.setTimer(() => client.mend(), event.forMs);
      return;
    }
    case 'crash':
      return world.crash(event.at);
    case 'say':
      void world.say(event.at, event.name, event.word);
      return;
    case 'weather':
      world.weather = event;
      for (const { client } of world.replicas) client.weather = event;
      return;
    case 'edit':
      return world.edit(event.name);
    case 'traffic': {
      const { everyMs, replayable } = event;
      Object.assign(world.traffic.get(`${event.at} ${event.name}`)!, { everyMs, replayable });
      return;
    }
    case 'lead':
      for (const [i, replica] of world.replicas.entries()) replica.isLeader = i === event.at;
      world.replicas[event.at].sharing.leading();
  }
}

/** Everybody is well, is heard, and is asked. */
async function calm(world: World): Promise<void> {
  world.weather = CALM;
  for (const { client } of world.replicas) client.weather = CALM;
  await world.pass(35_000);
  for (const traffic of world.traffic.values()) {
    Object.assign(traffic, { isUp: true, everyMs: 400, replayable: true });
  }
}

/** Longest wait, five steps, and what checks and take-overs add. */
const BOUND_MS = 11 * 4_000 + 5 * 17_000 + 30_000;

describe('controller: many replicas', () => {
  it('agree after any history; trips and holds are not lost; nobody who hears nothing moves toward new', async function () {
    this.timeout(3_600_000);
    // The long run of tests asks for thousands.
    const numRuns = Number(process.env.TEST_HISTORIES ?? 20);
    const story = fc.array(fc.tuple(fc.constantFrom(0, 0, 20, 100, 600, 3_000, 8_000), happenings), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 - 1 }), story, async (seed, happened) => {
        const world = new World(seed);
        for (const [waitMs, event] of happened) {
          await world.pass(waitMs);
          happen(world, event);
        }
        await calm(world);
        for (const name of NAMES) {
          const word = world.words.get(name);
          if (!word?.isAlone || !word.isShared) continue;
          const states = world.replicas.map(({ board }) => board.view(name)?.hold !== null);
          expect(states, `${name} after ${word.what}`).to.deep.equal([1, 2, 3].map(() => word.what === 'abort'));
        }
        for (const name of NAMES) {
          if (world.replicas[0].board.view(name)?.hold) void world.say(0, name, 'resume');
        }
        for (let ms = 0; ms < BOUND_MS && !isAllSteady(world); ms += 1_000) await world.pass(1_000);
        for (const { board, name, problems } of world.replicas) {
          for (const service of NAMES) expect(board.view(service)?.state, `${service} at ${name}`).to.equal('steady');
          expect(problems).to.deep.equal([]);
        }
      }),
      { numRuns },
    );
  });
});

function isAllSteady({ replicas }: World): boolean {
  return replicas.every(({ board }) => NAMES.every((name) => board.view(name)?.state === 'steady'));
}
