/**
 * A replica's place in the cluster that it runs in: it is registered, may lead, keeps the last good configuration and the history
 * for others, shares run states. In: what the replica is and knows. Out: what the control loop and the admin server ask. The parts
 * keep trying by themselves; this only ties them together and tells the log who leads and whether the API server answers.
 */
import type { ApiServerFacts, ClusterFacts, ClusterLink } from '../controller/cluster-link.ts';
import type { Happening } from '../controller/happening.ts';
import { FreshLook } from './fresh-look.ts';
import { historyForm, lastGoodForm } from './kept-forms.ts';
import { ForeignFormat, type KeptForm, KeptText } from './kept-text.ts';
import { LeaseRegister } from './lease-register.ts';
import type { ClusterOptions, OwnReplica } from './own-replica.ts';

const HISTORY_PAUSE_MS = 1_000;
const CLOSES_WITHIN_MS = 2_000;

export class Cluster implements ClusterLink {
  onStates: () => void = () => {};
  readonly #options: ClusterOptions;
  readonly #own: OwnReplica;
  readonly #register: LeaseRegister;
  readonly #lastGood: KeptText;
  readonly #history: KeptText;
  readonly #freshHistory: FreshLook;
  /** Who does not know what others keep writes only what is whole. */
  #sawLastGood = false;
  #wasConnected: boolean | null = null;
  #lostMs = 0;

  constructor(options: ClusterOptions, own: OwnReplica) {
    this.#options = options;
    this.#own = own;
    const { api, instance, log, namespace, now, random, setTimer } = options;
    this.#register = new LeaseRegister({
      api,
      namespace,
      name: instance,
      labels: labelsOf(instance, 'lease'),
      self: () => {
        const { name, version } = own;
        return { name, address: own.address(), proof: own.proof(), configHash: own.configHash(), version };
      },
      mayLead: () => own.isLoaded(),
      now,
      random,
      setTimer,
      log,
      onLeader: (leads) => this.#leads(leads),
    });
    const mayWriteLastGood = () => this.#register.isLeader() && (this.#sawLastGood || own.isWhole());
    this.#lastGood = this.#kept('last-good', lastGoodForm, 0, mayWriteLastGood, () => {});
    // What nobody else can know is written by whoever knows it.
    const mayWriteHistory = () => this.#register.isLeader() || own.history.isAhead;
    const merge = (text: string) => this.#merge(text);
    this.#history = this.#kept('history', historyForm, HISTORY_PAUSE_MS, mayWriteHistory, merge);
    const look = async () => this.#mergeFound(await this.#history.peek());
    this.#freshHistory = new FreshLook({ look, now, setTimer });
    own.history.onChange(() => this.#history.save(() => own.history.toStored()));
    options.values.onRead = () => this.onStates();
  }

  get isLeader(): boolean {
    return this.#register.isLeader();
  }

  get knowsStates(): boolean {
    return this.#options.values.isRead;
  }

  get knowsLastGood(): boolean {
    return this.#sawLastGood;
  }

  async takeUp(): Promise<unknown> {
    void this.#register.start();
    const [lastGood, history] = await Promise.all([
      this.readLastGood(),
      this.#read(this.#history),
      this.#own.startStates(),
    ]);
    const { log, values } = this.#options;
    if (!values.isRead) log.warn({ code: 'states_unread' }, `run states cannot be read: ${values.readProblem}`);
    this.#mergeFound(history ?? null);
    return lastGood;
  }

  async readLastGood(): Promise<unknown> {
    const text = await this.#read(this.#lastGood);
    if (text !== undefined) this.#sawLastGood = true;
    return text ? JSON.parse(text) : null;
  }

  saveLastGood(textNow: () => string): void {
    this.#lastGood.save(textNow);
  }

  announce(): void {
    this.#register.hurry();
  }

  tell(happening: Happening): void {
    this.#options.events.tell(happening);
  }

  refreshHistory(): Promise<void> {
    return this.#freshHistory.take();
  }

  isShared(service: string, withinMs: number): Promise<boolean> {
    return this.#own.states.isShared(service, withinMs);
  }

  facts(): ClusterFacts {
    // What this one serves it knows before the next beat.
    const { configHash, name } = this.#own;
    return {
      apiServer: this.#options.apiServer(),
      isLeader: this.#register.isLeader(),
      replicas: this.#register
        .replicas()
        .map((one) => (one.name === name ? { ...one, configHash: configHash() } : one)),
      sharedWrites: this.#options.values.writes,
      statesProblem: this.#own.states.facts().lastProblem ?? this.#options.values.readProblem,
    };
  }

  /** As the source of configuration hears of the API server: the one watch that every replica has. */
  connection({ connected, isRefused, problem }: ApiServerFacts): void {
    const { log, now, server } = this.#options;
    if (connected === this.#wasConnected) return;
    if (connected && this.#wasConnected === false) {
      const lostForMs = Math.round(now() - this.#lostMs);
      log.info({ code: 'api_server_connected', lost_for_ms: lostForMs }, `the API server ${server} answers again`);
      void this.refreshHistory();
    }
    if (!connected && problem !== null) {
      const served = this.#own.isLoaded() ? 'what is served goes on' : 'nothing is served yet';
      const unheard = isRefused ? 'changes of the configuration' : 'changes and other replicas';
      log.warn({ code: 'api_server_lost' }, `${problem}: ${served}, ${unheard} are not heard of`);
    }
    if (!connected) this.#lostMs = now();
    if (connected || problem !== null) this.#wasConnected = connected;
  }

  async close(): Promise<void> {
    const { api, events, setTimer } = this.#options;
    const { states } = this.#own;
    const closing = async (): Promise<void> => {
      await Promise.all([states.flush(CLOSES_WITHIN_MS / 2), this.#lastGood.close(), this.#history.close()]);
      await Promise.all([this.#register.close(), events.close(), states.close()]);
    };
    let giveUp = (): void => {};
    const late = new Promise<void>((resolve) => {
      giveUp = setTimer(resolve, CLOSES_WITHIN_MS);
    });
    await Promise.race([closing(), late]);
    giveUp();
    api.close();
  }

  #leads(leads: boolean): void {
    const { instance, log, namespace } = this.#options;
    const lease = `${namespace}/${instance}`;
    const leading =
      'this replica leads: it makes recovery checks, cleans up, keeps the last good configuration and the history';
    if (leads) log.info({ code: 'leader', lease }, leading);
    else log.info({ code: 'leader_no_more', lease }, 'this replica leads no longer');
    if (!leads) return;
    this.#own.states.leading();
    this.#lastGood.takeOver();
    this.#history.takeOver();
  }

  /** Undefined: it could not be read. */
  async #read(kept: KeptText): Promise<string | null | undefined> {
    try {
      return await kept.read();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const code = error instanceof ForeignFormat ? 'kept_foreign' : 'kept_unread';
      this.#options.log.warn({ code }, `${kept.what} cannot be read: ${error.message}`);
      return undefined;
    }
  }

  #mergeFound(text: string | null): void {
    if (text !== null) this.#merge(text);
  }

  #merge(text: string): void {
    this.#own.history.restore(JSON.parse(text));
  }

  #kept(part: string, form: KeptForm, leastPauseMs: number, mayWrite: () => boolean, onFound: (text: string) => void) {
    const { api, instance, log, namespace, random, setTimer } = this.#options;
    const common = { api, namespace, name: `${instance}-${part}`, labels: labelsOf(instance, part) };
    return new KeptText({ ...common, form, leastPauseMs, random, setTimer, log, mayWrite, onFound, onKept: onFound });
  }
}

/** What `kubectl get -l` finds our objects by. */
export function labelsOf(instance: string, component: string): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': 'migration-proxy',
    'app.kubernetes.io/instance': instance,
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/managed-by': 'migration-proxy',
  };
}
