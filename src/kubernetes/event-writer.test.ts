import { expect } from 'chai';
import type { Happening } from '../controller/happening.ts';
import { type EventObject, KubeFailure } from './api.ts';
import { eventOf, summaryOf } from './event-of.ts';
import { EventWriter } from './event-writer.ts';

const START_MS = Date.UTC(2026, 0, 1);
const ABOUT = { uid: 'uid-1', namespace: 'prod', name: 'migration-config' };

function happening(changes: Partial<Happening> = {}): Happening {
  return {
    kind: 'fallen_back',
    service: 'shop',
    atMs: START_MS,
    by: 'pod-a',
    from: 'steady',
    to: 'fallen_back',
    why: 'connect refused',
    message: 'shop: falls back to old: connect refused',
    identity: 'trip 1',
    about: ABOUT,
    ...changes,
  };
}

/** An API server that says what it is told to, and a clock that a test turns. */
class Stage {
  nowMs = START_MS;
  readonly made: { readonly atMs: number; readonly event: EventObject }[] = [];
  readonly lines: string[] = [];
  asked = 0;
  failure: KubeFailure | null = null;
  readonly writer: EventWriter;
  #timers: { readonly dueMs: number; readonly fire: () => void }[] = [];

  constructor(instance = 'pod-a', names = new Set<string>()) {
    const line = (_: object, message: string) => void this.lines.push(message);
    this.writer = new EventWriter({
      api: {
        createEvent: async (event) => {
          this.asked++;
          if (this.failure !== null) throw this.failure;
          if (names.has(event.name)) return 'exists';
          names.add(event.name);
          this.made.push({ atMs: this.nowMs - START_MS, event });
          return 'created';
        },
      },
      instance,
      setTimer: (fire, delayMs) => {
        const timer = { dueMs: this.nowMs + delayMs, fire };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((one) => one !== timer);
        };
      },
      now: () => this.nowMs,
      random: () => 1,
      log: { debug: line, info: line, warn: line, error: line },
    });
  }

  async turn(byMs: number): Promise<void> {
    const endMs = this.nowMs + byMs;
    for (;;) {
      const [next] = this.#timers.filter(({ dueMs }) => dueMs <= endMs).sort((x, y) => x.dueMs - y.dueMs);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.nowMs = next.dueMs;
      next.fire();
      // Of promises alone: nothing here waits for anything real.
      for (let i = 0; i < 10; i++) await Promise.resolve();
    }
    this.nowMs = endMs;
  }

  told(): string[] {
    return this.made.map(({ event: { reason, message } }) => `${reason} ${message}`);
  }
}

describe('Events', () => {
  it('stand beside their ConfigMap, under a name that every replica gives them', () => {
    const event = eventOf(happening(), 'pod-a');
    expect(event).to.deep.include({ namespace: 'prod', type: 'Warning', reason: 'FallenBack', instance: 'pod-a' });
    expect(event?.about).to.deep.equal({ kind: 'ConfigMap', ...ABOUT });
    expect(event?.name).to.match(/^migration-config\.[0-9a-f]{16}$/);
    const elsewhere = happening({ atMs: START_MS + 900, by: 'pod-b', message: 'other words' });
    expect(eventOf(elsewhere, 'pod-b')?.name).to.equal(event?.name);
    for (const other of [{ service: 'cart' }, { identity: 'trip 2' }, { kind: 'recovered' as const }]) {
      expect(eventOf(happening(other), 'pod-a')?.name).not.to.equal(event?.name);
    }
    expect(eventOf(happening({ about: { ...ABOUT, uid: 'uid-2' } }), 'pod-a')?.name).not.to.equal(event?.name);
  });

  it('are not made of probing, of single changes, or where there is no ConfigMap', () => {
    for (const kind of ['probing', 'changed'] as const) expect(eventOf(happening({ kind }), 'pod-a')).to.equal(null);
    expect(eventOf(happening({ about: null }), 'pod-a')).to.equal(null);
  });

  it('have names and messages that the API takes, whatever they are made of', () => {
    const about = { ...ABOUT, name: `${'a'.repeat(235)}-.${'b'.repeat(16)}` };
    const event = eventOf(happening({ about, message: 'ü'.repeat(600) }), 'pod-a');
    expect(event?.name).to.match(/^a{235}\.[0-9a-f]{16}$/);
    expect(Buffer.byteLength(event?.message ?? '')).to.be.within(1_020, 1_024);
    expect(event?.message).to.match(/^ü+…$/);
    const many = Array.from({ length: 500 }, (_, i) => happening({ service: `service-${i}` }));
    const { message = '' } = summaryOf(many, 'pod-a') ?? {};
    expect(message).to.match(/^500 services have fallen back: service-0, service-1, .*, …$/);
    expect(Buffer.byteLength(message)).to.be.at.most(1_024);
  });
});

describe('EventWriter', () => {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.writer.close());

  it('writes what happens within a moment, in order, at most ten a second', async () => {
    for (let i = 0; i < 40; i++) stage.writer.tell(happening({ kind: 'recovered', service: `s${i}` }));
    await stage.turn(1_000);
    expect(stage.made).to.have.length(9);
    await stage.turn(10_000);
    expect(stage.made.map(({ event }) => eventService(event))).to.deep.equal(
      Array.from({ length: 40 }, (_, i) => `s${i}`),
    );
    function eventService(event: EventObject) {
      const found = Array.from({ length: 40 }, (_, i) => `s${i}`).find((service) => {
        return eventOf(happening({ kind: 'recovered', service }), 'pod-a')?.name === event.name;
      });
      return found;
    }
  });

  it('an Event that another replica has made is as good as made', async () => {
    const names = new Set<string>();
    const other = new Stage('pod-b', names);
    const here = new Stage('pod-a', names);
    for (const { writer } of [here, other]) writer.tell(happening());
    await here.turn(1_000);
    await other.turn(1_000);
    expect([here.made.length, other.made.length, other.asked]).to.deep.equal([1, 0, 1]);
    expect(other.lines).to.deep.equal([]);
  });

  it('one of a service and reason a minute: the last of those that came too early follows', async () => {
    const percentage = (to: number) =>
      happening({ kind: 'percentage', identity: `uid@${to}`, message: `shop: ${to} %`, atMs: stage.nowMs });
    for (const to of [10, 20, 30]) {
      stage.writer.tell(percentage(to));
      await stage.turn(5_000);
    }
    stage.writer.tell({ ...percentage(7), service: 'cart' });
    await stage.turn(1_000);
    expect(stage.told()).to.deep.equal(['PercentageChanged shop: 10 %', 'PercentageChanged shop: 7 %']);
    await stage.turn(60_000);
    expect(stage.told().slice(2)).to.deep.equal(['PercentageChanged shop: 30 %']);
    expect(stage.made[2].event.atMs).to.equal(START_MS + 10_000);
    await stage.turn(600_000);
    expect(stage.made).to.have.length(3);
  });

  it('the same thing told again is not written again', async () => {
    stage.writer.tell(happening());
    await stage.turn(1_000);
    stage.writer.tell(happening());
    await stage.turn(120_000);
    expect(stage.asked).to.equal(1);
  });

  it('500 services that fall back at once are one Event of each ConfigMap', async () => {
    const other = { uid: 'uid-2', namespace: 'prod', name: 'more' };
    for (let i = 0; i < 500; i++) {
      stage.writer.tell(happening({ service: `s${i}`, about: i % 5 === 0 ? other : ABOUT }));
    }
    stage.writer.tell(happening({ kind: 'held', service: 'cart', message: 'cart: held' }));
    await stage.turn(5_000);
    const told = stage.told();
    expect(told[0]).to.match(/^FallenBack 100 services have fallen back: s0, s5, /);
    expect(told[1]).to.match(/^FallenBack 400 services have fallen back: s1, s2, /);
    expect(told.slice(2)).to.deep.equal(['Held cart: held']);
  });

  it('an API server that does not answer: tried again ever more slowly, said once, and all arrives', async () => {
    stage.failure = new KubeFailure('unreachable', 'the API server does not answer');
    stage.writer.tell(happening());
    stage.writer.tell(happening({ kind: 'held', message: 'held' }));
    await stage.turn(120_000);
    expect(stage.asked).to.be.within(8, 12);
    expect(stage.lines).to.deep.equal(['Events wait: the API server does not answer']);
    stage.failure = null;
    await stage.turn(31_000);
    expect(stage.told()).to.deep.equal(['FallenBack shop: falls back to old: connect refused', 'Held held']);
    expect(stage.lines.slice(1)).to.deep.equal(['Events reach the API server again']);
  });

  it('waits as long as the API server asks', async () => {
    stage.failure = new KubeFailure('throttled', 'too many requests', { retryAfterMs: 20_000 });
    stage.writer.tell(happening());
    await stage.turn(20_000);
    stage.writer.tell(happening({ service: 'cart' }));
    expect(stage.asked).to.equal(1);
    stage.failure = null;
    await stage.turn(1_000);
    expect(stage.made).to.have.length(2);
  });

  it('does not wait for days, whatever it is asked', async () => {
    stage.failure = new KubeFailure('throttled', 'too many requests', { retryAfterMs: 999_999_000 });
    stage.writer.tell(happening());
    await stage.turn(1_000);
    stage.failure = null;
    await stage.turn(30_000);
    expect(stage.made).to.have.length(1);
  });

  it('what could not be told within five minutes is dropped, and said once', async () => {
    stage.failure = new KubeFailure('timeout', 'no answer');
    for (let i = 0; i < 5; i++) stage.writer.tell(happening({ service: `s${i}` }));
    await stage.turn(330_000);
    const { asked } = stage;
    await stage.turn(600_000);
    expect(stage.asked).to.equal(asked);
    expect(stage.lines).to.have.length(2);
    expect(stage.lines[1]).to.match(/within 5 minutes are left to the history/);
  });

  it('holds a thousand at most', async () => {
    stage.failure = new KubeFailure('timeout', 'no answer');
    for (let i = 0; i < 1_500; i++) stage.writer.tell(happening({ kind: 'recovered', service: `s${i}` }));
    stage.failure = null;
    await stage.turn(200_000);
    expect(stage.made).to.have.length(1_000);
    expect(stage.lines[0]).to.match(/more than 1000 Events wait/);
  });

  it('a role that lacks the permission is said once, with the cure; nothing piles up', async () => {
    stage.failure = new KubeFailure('forbidden', 'refuses to create event "x" in namespace "prod" (403)');
    for (let i = 0; i < 5; i++) {
      stage.writer.tell(happening({ service: `s${i}` }));
      await stage.turn(1_000);
    }
    expect(stage.lines).to.have.length(1);
    expect(stage.lines[0]).to.match(/without it `history` alone tells/);
    stage.failure = null;
    await stage.turn(120_000);
    expect(stage.made).to.deep.equal([]);
  });

  it('closed it writes nothing more', async () => {
    stage.writer.tell(happening());
    stage.writer.close();
    stage.writer.tell(happening({ service: 'cart' }));
    await stage.turn(120_000);
    expect(stage.asked).to.equal(0);
  });
});
