/**
 * The fallback board and the check schedule together, through long random histories on a clock of their own: clusters that
 * come and go, requests that take their time or lose their client, people, edits, restarts and clocks that jump.
 */

import { expect } from 'chai';
import fc from 'fast-check';
import { runsOf } from '../../test/support/runs.ts';
import { seededRandom } from '../../test/support/seeded-random.ts';
import { CheckSchedule } from '../checks/schedule.ts';
import type { FailureKind } from '../fallback/outcome.ts';
import type { FallbackPolicy, Migration, ServedMigration } from '../migration/model.ts';
import { type RunState, STEADY } from '../migration/run-state.ts';
import { FallbackBoard } from './fallback-board.ts';

const TLS = { ca: null, caFile: null, serverName: null, insecureSkipVerify: false };
const POLICY: FallbackPolicy = {
  enabled: true,
  maxFailures: 4,
  failureWindowMs: 2000,
  recoveryTimeMs: 3000,
  maxFailureRate: 0.5,
  minRequests: 20,
  failureStatuses: [503],
};
const INTERVAL_MS = 500;
const NAMES = ['a', 'b', 'c'] as const;
/** `silent`: accepts, and every request runs into its timeout. `broken`: answers 500, checks pass. */
type Health = 'up' | 'refuses' | 'silent' | 'says 503' | 'broken';

interface Service {
  fields: Partial<Migration>;
  served: boolean;
  health: { old: Health; new: Health };
  /** Requests a second, and how many of them are GETs. */
  rate: number;
  gets: number;
  probing: boolean;
  held: boolean;
}

/** A small world: time passes in steps of 10 ms, everything else follows from it. */
class World {
  nowMs = 1_000_000_000;
  readonly services = new Map<string, Service>();
  readonly runs = new Map<string, RunState>();
  readonly timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();
  checks = 0;
  mostTimers = 0;
  #board!: FallbackBoard;
  #schedule!: CheckSchedule;
  #appliedMs = 0;
  #trips = new Map<string, number>();
  readonly #random: () => number;
  #inFlight: { readonly endMs: number; readonly end: () => void }[] = [];

  constructor(random: () => number) {
    this.#random = random;
    for (const name of NAMES) {
      const health = { old: 'up', new: 'up' } as const;
      this.services.set(name, { fields: {}, served: true, health, rate: 20, gets: 1, probing: false, held: false });
    }
    this.#start();
    this.apply();
  }

  #start(): void {
    const setTimer = (fire: () => void, delayMs: number) => {
      const timer = { atMs: this.nowMs + delayMs, fire };
      this.timers.add(timer);
      return () => void this.timers.delete(timer);
    };
    const now = () => this.nowMs;
    this.#board = new FallbackBoard({
      now,
      random: this.#random,
      setTimer,
      replica: 'r',
      onRunState: (name, run) => this.#obey(name, run),
      onTransition: (name, _from, to, view) => {
        if (to === 'fallen_back' && view.hold === null) this.#trips.set(name, (this.#trips.get(name) ?? 0) + 1);
      },
      onBothFailing: () => {},
      onDirty: () => {},
      requestCheck: (name) => this.#schedule.checkNow(name, 'new'),
    });
    this.#schedule = new CheckSchedule({
      now,
      random: this.#random,
      setTimer,
      check: ({ address }, calledOff) => {
        this.checks++;
        const [name, cluster] = address.split('-') as [string, 'old' | 'new'];
        const health = this.services.get(name)?.health[cluster] ?? 'up';
        return new Promise((resolve) => {
          const end = () => resolve({ error: health === 'refuses' ? 'refused' : null });
          calledOff.addEventListener('abort', end);
          setTimer(end, 30);
        });
      },
      onResult: (name, cluster, { error }) => this.#board.check(name, cluster, error),
    });
  }

  /** Shares never shrink within one probing, and never a request for new while held. */
  #obey(name: string, run: RunState): void {
    const before = this.runs.get(name) ?? STEADY;
    if (before.state === 'probing' && run.state === 'probing' && before.sinceMs === run.sinceMs) {
      expect(run.admitBp).to.be.at.least(before.admitBp);
    }
    this.runs.set(name, run);
  }

  apply(): void {
    this.#appliedMs = this.nowMs;
    const served = NAMES.filter((name) => this.services.get(name)?.served).map((name): ServedMigration => {
      const side = (cluster: string) =>
        ({ host: `${name}.${cluster}`, address: `${name}-${cluster}`, port: 80, protocol: 'http', tls: TLS }) as const;
      const basic = {
        healthCheckPath: null,
        healthCheckIntervalMs: INTERVAL_MS,
        connectTimeoutMs: 100,
        timeoutMs: 100,
      };
      const clusters = { old: side('old'), new: side('new') };
      const fields = this.services.get(name)?.fields;
      return {
        migration: { name, enabled: true, fallback: POLICY, ...basic, ...clusters, ...fields } as Migration,
        standing: 'valid',
      };
    });
    this.#board.apply(served);
    this.#schedule.apply(served);
  }

  /** The next process finds what this one stored; its clock may be another. */
  restart(jumpMs: number): void {
    const stored = JSON.parse(JSON.stringify(this.#board.toStored()));
    this.#schedule.stop();
    this.#board.stop();
    this.timers.clear();
    this.#inFlight = [];
    this.runs.clear();
    this.#trips.clear();
    for (const service of this.services.values()) service.probing = false;
    this.nowMs += 50 + jumpMs;
    this.#start();
    expect(this.#board.restore(stored)).to.deep.equal([]);
    this.apply();
  }

  abort(name: string): void {
    if (this.#board.abort(name, 'ann', '')) this.#of(name).held = true;
  }

  resume(name: string): void {
    if (this.#board.resume(name, 'ann', '')) this.#of(name).held = false;
  }

  async pass(ms: number): Promise<void> {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 10) {
      for (const timer of [...this.timers].sort((x, y) => x.atMs - y.atMs)) {
        if (timer.atMs > this.nowMs || !this.timers.delete(timer)) continue;
        timer.fire();
        await settled();
      }
      const ended = this.#inFlight.filter((request) => request.endMs <= this.nowMs);
      this.#inFlight = this.#inFlight.filter((request) => request.endMs > this.nowMs);
      for (const request of ended) request.end();
      for (const name of NAMES) this.#maybeRequest(name);
      this.mostTimers = Math.max(this.mostTimers, this.timers.size);
      this.#watch();
    }
  }

  #watch(): void {
    for (const [name, { held, served }] of this.services) {
      if (!served) continue;
      const view = this.#board.view(name);
      expect(view?.hold !== null, `${name} is held`).to.equal(held);
      if (held) expect(this.runs.get(name)?.state).to.equal('fallen_back');
      expect(this.#board.runState(name)).to.equal(this.runs.get(name));
      expect(this.#board.tripsDecided(name)).to.be.at.most(this.#trips.get(name) ?? 0);
      const { enabled = true, fallback = POLICY } = this.#of(name).fields;
      // A lower limit is looked at with the next event.
      const isJudged = enabled && fallback.enabled && this.nowMs > this.#appliedMs + INTERVAL_MS + 40;
      if (view === null || view.state !== 'steady' || view.bothFailing || !isJudged) continue;
      expect(view.failuresInRow, `${name} is steady`).to.be.below(fallback.maxFailures);
    }
  }

  #maybeRequest(name: string): void {
    const service = this.#of(name);
    if (!service.served || this.#random() > service.rate / 100) return;
    const run = this.runs.get(name) ?? STEADY;
    const replayable = this.#random() < service.gets;
    let admitted = this.#random() * 10_000 < run.admitBp;
    const takesSlot = run.state === 'probing' && run.admission === 'one';
    if (takesSlot) admitted = !service.probing && (replayable || run.methods === 'all');
    const cluster = admitted ? 'new' : 'old';
    const probe = takesSlot && admitted;
    if (probe) service.probing = true;
    const health = service.health[cluster];
    const startedMs = this.nowMs;
    const clientGoes = this.#random() < 0.1;
    const end = () => {
      if (probe) service.probing = false;
      if (clientGoes) return;
      const failure = { up: null, broken: null, refuses: 'connect', silent: 'timeout', 'says 503': 'status' }[health];
      const status = { up: 200, broken: 500, refuses: 0, silent: 0, 'says 503': 503 }[health];
      const times = { startedMs, endedMs: this.nowMs };
      const come = { status, failure: failure as FailureKind | null, message: '', probe };
      this.#board.outcome({ service: name, cluster, ...times, ...come });
    };
    this.#inFlight.push({ endMs: this.nowMs + (health === 'silent' ? 700 : 20), end });
  }

  #of(name: string): Service {
    const service = this.services.get(name);
    if (service === undefined) throw new Error(name);
    return service;
  }

  state(name: string): string | undefined {
    return this.#board.view(name)?.state;
  }

  stop(): void {
    this.#schedule.stop();
    this.#board.stop();
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 6; i++) await Promise.resolve();
}

const names = fc.constantFrom(...NAMES);
const healths = fc.constantFrom<Health>('up', 'up', 'refuses', 'silent', 'says 503', 'broken');
const happenings = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ what: fc.constant('health' as const), name: names, new: healths, old: healths }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('person' as const), aborts: fc.boolean(), name: names }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('traffic' as const),
      name: names,
      rate: fc.constantFrom(0, 0.5, 5, 50),
      gets: fc.constantFrom(0, 0.5, 1),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('edit' as const),
      name: names,
      served: fc.constantFrom(true, true, true, false),
      enabled: fc.constantFrom(true, true, true, false),
      port: fc.constantFrom(80, 80, 81),
      fallback: fc.record({
        ...Object.fromEntries(Object.entries(POLICY).map(([key, value]) => [key, fc.constant(value)])),
        enabled: fc.constantFrom(true, true, true, false),
        maxFailures: fc.integer({ min: 1, max: 6 }),
      }) as unknown as fc.Arbitrary<FallbackPolicy>,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('restart' as const), jumpMs: fc.constantFrom(0, 3_600_000, -3_600_000) }),
  },
);
type Happening = typeof happenings extends fc.Arbitrary<infer T> ? T : never;

function happen(world: World, happening: Happening): void {
  if (happening.what === 'restart') return world.restart(happening.jumpMs);
  if (happening.what === 'person') return happening.aborts ? world.abort(happening.name) : world.resume(happening.name);
  const service = world.services.get(happening.name) as Service;
  if (happening.what === 'edit') {
    const { enabled, fallback, name, port, served } = happening;
    const side = { host: `${name}.new`, address: `${name}-new`, port, protocol: 'http', tls: TLS } as const;
    service.fields = { enabled, fallback, new: side };
    service.served = served;
    world.apply();
  } else if (happening.what === 'health') service.health = { old: happening.old, new: happening.new };
  else Object.assign(service, { rate: happening.rate, gets: happening.gets });
}

/** Longest wait, a check, then five steps, each a window and the check after it at most. */
const BOUND_MS = 11 * POLICY.recoveryTimeMs + 2 * INTERVAL_MS + 5 * (POLICY.failureWindowMs + 2 * INTERVAL_MS) + 1000;

describe('controller: long histories', () => {
  it('holds hold, shares only grow, work stays bounded, and all is steady once everything is well', async function () {
    this.timeout(600_000);
    const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });
    const story = fc.array(fc.tuple(fc.integer({ min: 0, max: 8000 }), happenings), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(seeds, story, async (seed, happened) => {
        const world = new World(seededRandom(seed));
        const begunMs = world.nowMs;
        let jumpedMs = 0;
        for (const [waitMs, happening] of happened) {
          await world.pass(waitMs);
          if (happening.what === 'restart') jumpedMs += happening.jumpMs;
          happen(world, happening);
        }
        const well = { old: 'up', new: 'up' } as const;
        for (const name of NAMES) {
          Object.assign(world.services.get(name) as Service, { health: well, rate: 20, gets: 0.5, served: true });
          world.apply();
          if (world.services.get(name)?.held) world.resume(name);
        }
        for (
          let passedMs = 0;
          passedMs < BOUND_MS && NAMES.some((name) => world.state(name) !== 'steady');
          passedMs += 500
        ) {
          await world.pass(500);
        }
        for (const name of NAMES) expect(world.state(name), name).to.equal('steady');
        const lastedMs = world.nowMs - begunMs - jumpedMs;
        // Six clusters; a restart checks all anew, and each wait asks once out of turn.
        expect(world.checks).to.be.at.most(6 * (lastedMs / INTERVAL_MS + happened.length + 2) + 3 * (lastedMs / 1000));
        expect(world.mostTimers, 'one for each target or its check, and one for all waits').to.be.at.most(2 * 6 + 1);
        world.stop();
      }),
      { numRuns: runsOf(100) },
    );
  });
});
