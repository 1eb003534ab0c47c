/**
 * One object of ours, watched: its namespace and name in; the object as it is, or that there is none, out; and whether changes are
 * heard of. Refuses to know what it holds.
 */
import type { Log } from '../controller/log.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';
import type { ObjectHeard, ObjectWatch } from './shared-config-map.ts';

export interface WatchOneOptions extends Pick<ReflectorOptions, 'api' | 'now' | 'random' | 'setTimer'> {
  readonly namespace: string;
  readonly name: string;
  readonly log: Log;
}

export function watchOne(options: WatchOneOptions, heard: ObjectHeard): ObjectWatch {
  const { api, log, name, namespace, now, random, setTimer } = options;
  const reflector = new Reflector({
    api,
    selection: { kind: 'one', namespace, name },
    now,
    random,
    setTimer,
    onObjects: (objects) => heard.object(objects.get(`${namespace}/${name}`) ?? null),
    onConnection: ({ connected }) => heard.connected(connected),
    onFault: (error) => log.error({ err: error }, `a fault of the proxy while it took ${namespace}/${name}`),
  });
  void reflector.start();
  return { close: () => reflector.close() };
}
