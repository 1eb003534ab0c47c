/**
 * One object of ours, watched: its namespace and name in; the object as it is, or that there is none, out; and whether changes are
 * heard of. The log hears where this object alone is refused. Refuses to know what it holds.
 */
import type { Log } from '../controller/log.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';
import type { ObjectHeard, ObjectWatch } from './shared-config-map.ts';

export interface WatchOneOptions extends Pick<ReflectorOptions, 'api' | 'now' | 'random' | 'setTimer'> {
  readonly namespace: string;
  readonly name: string;
  /** The API server answers other questions: that it does not is told by whoever asks them. */
  readonly isAnswering: () => boolean;
  readonly log: Log;
}

/** Lost for so long while the API server answers: it is this object. */
const TOLD_AFTER_MS = 10_000;

export function watchOne(options: WatchOneOptions, heard: ObjectHeard): ObjectWatch {
  const { api, isAnswering, log, name, namespace, now, random, setTimer } = options;
  let problem: string | null = null;
  let isTold = false;
  let cancel: (() => void) | null = null;
  const look = (): void => {
    cancel = null;
    if (problem === null) return;
    if (isAnswering()) {
      isTold = true;
      log.warn({ code: 'states_unheard' }, `what other replicas say of services is not heard: ${problem}`);
    } else wait();
  };
  const wait = (): void => {
    cancel ??= setTimer(look, TOLD_AFTER_MS);
  };
  const heardOf = (): void => {
    cancel?.();
    cancel = null;
    if (isTold) log.info({}, 'what other replicas say of services is heard again');
    isTold = false;
  };
  const reflector = new Reflector({
    api,
    selection: { kind: 'one', namespace, name },
    now,
    random,
    setTimer,
    onObjects: (objects) => heard.object(objects.get(`${namespace}/${name}`) ?? null),
    onConnection: (connection) => {
      problem = connection.problem;
      if (connection.connected) heardOf();
      else if (!isTold) wait();
      heard.connected(connection.connected, problem);
    },
    onFault: (error) => log.error({ err: error }, `a fault of the proxy while it took ${namespace}/${name}`),
  });
  void reflector.start();
  return {
    close: () => {
      cancel?.();
      reflector.close();
    },
  };
}
