/**
 * The lease that replicas share: which of them leads, and who they are. In: what this replica says of itself. Out: one write
 * every 5 s whose answer is the whole register, who leads, and a word when this replica begins or stops to. Nothing depends on
 * there being one leader alone: what it does is cleaning and keeping, and safe to do twice.
 */
import type { SetTimer } from '../checks/schedule.ts';
import type { Log } from '../controller/log.ts';
import { type KubeApi, KubeFailure, type LeaseObject, type Patch } from './api.ts';
import {
  ACTS_FOR_MS,
  BEAT_MS,
  EXPIRES_MS,
  forgotten,
  freeInMs,
  isFree,
  keyOf,
  type LeaseSeen,
  type RegisteredReplica,
  type Registration,
  registerPatch,
  registrationText,
  releasePatch,
  renewPatch,
  replicasOf,
  see,
  takeOverPatch,
} from './lease-view.ts';

export interface LeaseRegisterOptions {
  readonly api: Pick<KubeApi, 'createLease' | 'patchLease'>;
  readonly namespace: string;
  /** Of the lease. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What this replica says of itself, asked at each beat; the name never changes. */
  readonly self: () => Registration;
  /** A replica that serves nothing yet leads nobody. */
  readonly mayLead: () => boolean;
  /** Epoch ms, never going back. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly setTimer: SetTimer;
  readonly log: Log;
  /** This replica leads from now on, or no longer. */
  readonly onLeader: (leads: boolean) => void;
}

const AGAIN_AFTER_FAILURE_MS = 2_000;
const AGAIN_AFTER_RACE_MS = 500;
/** Beats that are asked for are no closer than this. */
const LEAST_BETWEEN_MS = 1_000;

export class LeaseRegister {
  readonly #options: LeaseRegisterOptions;
  readonly #replica: string;
  #seen: LeaseSeen | null = null;
  /** When the last successful renewal was sent. */
  #renewedMs = Number.NEGATIVE_INFINITY;
  #told = false;
  #beats = 0;
  #problem: string | null = null;
  #beating: Promise<void> = Promise.resolve();
  #beatMs = Number.NEGATIVE_INFINITY;
  #isWaiting = false;
  #isHurried = false;
  #cancelBeat: () => void = () => {};
  #cancelLapse: () => void = () => {};
  #closed = false;

  constructor(options: LeaseRegisterOptions) {
    this.#options = options;
    this.#replica = options.self().name;
  }

  /** Resolves after the first try; it goes on every 5 s. */
  start(): Promise<void> {
    this.#beating = this.#beat();
    return this.#beating;
  }

  /** What this replica says of itself has changed: others are to hear of it soon. */
  hurry(): void {
    this.#isHurried = true;
    if (this.#isWaiting) this.#wait(0);
  }

  /** By this replica's own clock: also false when it could not renew for 10 s, before anybody else can lead. */
  isLeader(): boolean {
    const { now } = this.#options;
    return this.#holds && now() - this.#renewedMs < ACTS_FOR_MS;
  }

  /** All that are registered, this one too, by name; as of the last answer. */
  replicas(): readonly RegisteredReplica[] {
    return this.#seen === null ? [] : replicasOf(this.#seen, this.#options.now());
  }

  /** Leaves the register, and gives the lease up. Failures end it too: others find out by themselves. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelBeat();
    this.#cancelLapse();
    await this.#beating;
    const wasHolder = this.#holds;
    this.#renewedMs = Number.NEGATIVE_INFINITY;
    this.#tell();
    try {
      if (wasHolder && (await this.#tryPatch(releasePatch(this.#replica))) !== null) return;
      await this.#patch(registerPatch({ [keyOf(this.#replica)]: null }));
    } catch (error) {
      if (!(error instanceof KubeFailure)) throw error;
    }
  }

  async #beat(): Promise<void> {
    const { mayLead, now, random } = this.#options;
    this.#beatMs = now();
    this.#isHurried = false;
    let nextMs = BEAT_MS * (0.9 + random() * 0.2);
    let isAnswered = true;
    try {
      const text = registrationText(this.#options.self(), ++this.#beats);
      await this.#register(text);
      // A holder of our name that we know nothing of was this replica before it was started again.
      if (this.#holds && mayLead() && !this.isLeader()) await this.#renew(text);
      if (this.#seen !== null && mayLead() && isFree(this.#seen, now()) && !(await this.#takeOver())) {
        nextMs = AGAIN_AFTER_RACE_MS * (1 + random());
      }
      if (this.isLeader()) await this.#forget();
      this.#recovered();
    } catch (error) {
      isAnswered = false;
      nextMs = AGAIN_AFTER_FAILURE_MS * (0.5 + random());
      this.#failed(error);
    }
    this.#tell();
    if (this.#closed) return;
    // A lease that is free is of no use to whoever gets no answer.
    const follows = isAnswered && this.#seen !== null && mayLead() && !this.isLeader();
    this.#wait(follows ? Math.min(nextMs, untilFree(this.#seen!, now(), random())) : nextMs);
  }

  #wait(delayMs: number): void {
    const { now, setTimer } = this.#options;
    this.#cancelBeat();
    this.#isWaiting = true;
    const leastMs = this.#beatMs + LEAST_BETWEEN_MS - now();
    this.#cancelBeat = setTimer(
      () => {
        this.#isWaiting = false;
        this.#beating = this.#beat();
      },
      this.#isHurried ? Math.max(0, leastMs) : delayMs,
    );
  }

  get #holds(): boolean {
    return this.#seen?.lease.holder === this.#replica;
  }

  /** One write that also reads; a lease that is missing is made, and is ours then. */
  async #register(text: string): Promise<void> {
    if (this.#holds && this.#options.mayLead() && (await this.#renew(text))) return;
    const patch = registerPatch({ [keyOf(this.#replica)]: text });
    try {
      await this.#patch(patch);
    } catch (error) {
      if (!isKind(error, 'not_found')) throw error;
      if (!(await this.#create(text))) await this.#patch(patch);
    }
  }

  async #renew(text: string): Promise<boolean> {
    const startedMs = this.#options.now();
    const lease = await this.#tryPatch(renewPatch(this.#replica, text, startedMs));
    if (lease !== null) this.#renewedMs = startedMs;
    return lease !== null;
  }

  async #takeOver(): Promise<boolean> {
    const { lease } = this.#seen!;
    const startedMs = this.#options.now();
    const taken = await this.#tryPatch(takeOverPatch(lease, this.#replica, startedMs));
    if (taken !== null) this.#renewedMs = startedMs;
    return taken !== null;
  }

  /** False: another was quicker. */
  async #create(text: string): Promise<boolean> {
    const { api, labels, mayLead, name, namespace, now } = this.#options;
    const renewMs = now();
    const annotations = { [keyOf(this.#replica)]: text };
    const durationSeconds = EXPIRES_MS / 1_000;
    try {
      const holder = mayLead() ? this.#replica : null;
      this.#learn(await api.createLease({ namespace, name, labels, annotations, holder, durationSeconds, renewMs }));
      if (holder !== null) this.#renewedMs = renewMs;
      return true;
    } catch (error) {
      if (isKind(error, 'exists')) return false;
      throw error;
    }
  }

  async #forget(): Promise<void> {
    const gone = forgotten(this.#seen!, this.#options.now()).filter((key) => key !== keyOf(this.#replica));
    if (gone.length > 0) await this.#patch(registerPatch(Object.fromEntries(gone.map((key) => [key, null]))));
  }

  /** Null: what it asks for is not so (any more). */
  async #tryPatch(patch: Patch): Promise<LeaseObject | null> {
    try {
      return await this.#patch(patch);
    } catch (error) {
      if (isKind(error, 'invalid') || isKind(error, 'conflict') || isKind(error, 'not_found')) return null;
      throw error;
    }
  }

  async #patch(patch: Patch): Promise<LeaseObject> {
    const { api, name, namespace } = this.#options;
    return this.#learn(await api.patchLease(namespace, name, patch));
  }

  #learn(lease: LeaseObject): LeaseObject {
    this.#seen = see(this.#seen, lease, this.#options.now());
    return lease;
  }

  #tell(): void {
    const { now, onLeader, setTimer } = this.#options;
    const leads = this.isLeader();
    this.#cancelLapse();
    if (leads && !this.#closed) {
      this.#cancelLapse = setTimer(() => this.#tell(), this.#renewedMs + ACTS_FOR_MS - now() + 1);
    }
    if (leads === this.#told) return;
    this.#told = leads;
    onLeader(leads);
  }

  #failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (this.#problem === null) {
      const { name, namespace } = this.#options;
      const fields = error instanceof KubeFailure ? { code: `lease_${error.kind}` } : { err: error };
      this.#options.log.warn(fields, `the lease ${namespace}/${name} cannot be written: ${message}; trying again`);
    }
    this.#problem = message;
  }

  #recovered(): void {
    if (this.#problem !== null) this.#options.log.info({}, 'the lease can be written again');
    this.#problem = null;
  }
}

/** The more replicas wait for the same moment, the more should one come first. */
function untilFree(seen: LeaseSeen, nowMs: number, random: number): number {
  return Math.max(AGAIN_AFTER_RACE_MS, freeInMs(seen, nowMs)) + random * AGAIN_AFTER_RACE_MS;
}

function isKind(error: unknown, kind: KubeFailure['kind']): boolean {
  return error instanceof KubeFailure && error.kind === kind;
}
