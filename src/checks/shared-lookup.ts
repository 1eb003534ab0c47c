/**
 * One look-up of a name for all checks that wait for it. A name server that is silent keeps the system's few look-up threads
 * busy for a minute a name, long after the check has given up: without sharing, thousands of services behind one gateway would
 * queue up look-ups without end, and the data plane's own behind them. Nothing is cached: who asks later asks anew.
 */
import type { LookupFunction } from 'node:net';

type Answer = Parameters<LookupFunction>[2];

/** The same look-up, shared by those who ask the same while it is under way. */
export function sharedLookup(lookup: LookupFunction): LookupFunction {
  const waiting = new Map<string, Answer[]>();
  return (hostname, options, answer) => {
    const key = JSON.stringify([hostname, options]);
    const others = waiting.get(key);
    if (others !== undefined) return void others.push(answer);
    const all = [answer];
    waiting.set(key, all);
    lookup(hostname, options, (...found) => {
      waiting.delete(key);
      for (const one of all) one(...found);
    });
  };
}
