/**
 * What is missing before traffic may be taken. In: what is known of configuration and run states. Out: words, or null. A service
 * that all other replicas hold on old must not go to new for a moment because this one did not ask yet.
 */
import type { ClusterLink } from './cluster-link.ts';
import type { Configuration } from './configuration.ts';
import type { StateStore } from './state-store.ts';

export interface Needed {
  readonly configuration: Pick<Configuration, 'isLoaded'>;
  readonly cluster: Pick<ClusterLink, 'knowsStates'> | null;
  readonly store: Pick<StateStore, 'found'> | null;
}

/** `source`: its label. Null: nothing is missing. Run states may be the cluster's, or those beside a configuration on disk. */
export function missingToServe({ cluster, configuration, store }: Needed, source: string): string | null {
  if (!configuration.isLoaded) return `no configuration yet: waiting for ${source}`;
  const hasOwnStates = store?.found('last-good.json') !== undefined;
  if (cluster === null || cluster.knowsStates || hasOwnStates) return null;
  return 'no run states yet: waiting for the API server';
}
