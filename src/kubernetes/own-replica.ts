/**
 * What a replica brings to its cluster: what it is and knows, and the parts that it is tied together with. Types alone.
 */
import type { SetTimer } from '../checks/schedule.ts';
import type { ApiServerFacts } from '../controller/cluster-link.ts';
import type { Happening } from '../controller/happening.ts';
import type { History } from '../controller/history.ts';
import type { Log } from '../controller/log.ts';
import type { KubeApi } from './api.ts';
import type { SharedConfigMap } from './shared-config-map.ts';

export interface OwnReplica {
  readonly name: string;
  readonly version: string;
  /** `http://10.1.2.3:8080`, of the admin server once it listens; null: others cannot reach it. */
  readonly address: () => string | null;
  /** That the address is this replica's, for those who know the admin token; null: there is no token. */
  readonly proof: () => string | null;
  readonly configHash: () => string;
  /** Serves something. */
  readonly isLoaded: () => boolean;
  /** Serves everything as the sources say it. */
  readonly isWhole: () => boolean;
  readonly history: Pick<History, 'isAhead' | 'onChange' | 'restore' | 'toStored'>;
  /** Resolves when the first run states were handed over, or could not be had. */
  readonly startStates: () => Promise<void>;
  readonly states: SharedStatesLink;
}

/** Run states as they are shared, once they are started. */
interface SharedStatesLink {
  isShared(service: string, withinMs: number): Promise<boolean>;
  /** This replica leads from now on. */
  leading(): void;
  facts(): { readonly lastProblem: string | null };
  /** Writes what waits. */
  flush(withinMs: number): Promise<unknown>;
  close(): Promise<void>;
}

export interface ClusterOptions {
  readonly api: Pick<
    KubeApi,
    'getConfigMap' | 'createConfigMap' | 'patchConfigMap' | 'createLease' | 'patchLease' | 'close'
  >;
  /** For messages. */
  readonly server: string;
  /** Where our objects are, and what their names begin with. */
  readonly namespace: string;
  readonly instance: string;
  readonly values: Pick<SharedConfigMap, 'isRead' | 'onRead' | 'readProblem' | 'writes'>;
  readonly events: { tell(happening: Happening): void; close(): Promise<void> | void };
  readonly apiServer: () => ApiServerFacts;
  /** Epoch ms, never going back. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly setTimer: SetTimer;
  readonly log: Log;
}
