/**
 * What the control loop and the admin server use of the Kubernetes cluster that they run in, in their own words. With a local
 * file there is none. Whoever implements it keeps trying by itself: nothing here rejects for what an API server does.
 */
import type { Happening } from './happening.ts';

export interface ClusterLink {
  /**
   * What replicas keep for those that start: the last good configuration as JSON, null where there is none or it cannot be had in
   * time; run states and history have been handed to their owners by then, where they could be had.
   */
  takeUp(): Promise<unknown>;
  /** As `takeUp`: once more, where it could not be had then. */
  readLastGood(): Promise<unknown>;
  /** What others keep, or that they keep nothing, was read. */
  readonly knowsLastGood: boolean;
  /** The last good configuration is another one; `textNow` is asked for it when it can be written. */
  saveLastGood(textNow: () => string): void;
  /** The configuration that is served has changed: others are to hear of it. */
  announce(): void;
  /** Worth an Event. */
  tell(happening: Happening): void;
  /** Takes up what others have added to the history; waits at most a second for it. */
  refreshHistory(): Promise<void>;
  /** This replica leads: it makes the recovery checks, cleans up, keeps. */
  readonly isLeader: boolean;
  /** Run states were read at least once since the start. */
  readonly knowsStates: boolean;
  /** Called when that becomes so. */
  onStates: () => void;
  /** Whether a person's decision has reached the other replicas, now or within `withinMs`. */
  isShared(service: string, withinMs: number): Promise<boolean>;
  facts(): ClusterFacts;
  /** Writes what waits and leaves the others, within 2 s. */
  close(): Promise<void>;
}

export interface ClusterFacts {
  readonly apiServer: ApiServerFacts;
  readonly isLeader: boolean;
  /** All that are registered, this one too, by name. */
  readonly replicas: readonly ReplicaFacts[];
  readonly sharedWrites: { readonly done: number; readonly stale: number; readonly failed: number };
  /** Why run states are not shared, in words; null: they are. */
  readonly statesProblem: string | null;
}

export interface ApiServerFacts {
  readonly connected: boolean;
  /** In words; null: there is none. */
  readonly problem: string | null;
  /** It answers, but may not be asked for the configuration: other replicas may well be heard of. */
  readonly isRefused: boolean;
  /** Epoch ms; null: never yet. */
  readonly lastHeardMs: number | null;
}

export interface ReplicaFacts {
  readonly name: string;
  /** `http://10.1.2.3:8080`; null: nobody can reach it. */
  readonly address: string | null;
  /** That it is, for those who know the admin token. */
  readonly proof: string | null;
  readonly configHash: string;
  readonly version: string;
  /** When this replica last heard of it, epoch ms. */
  readonly seenMs: number;
  readonly leader: boolean;
}
