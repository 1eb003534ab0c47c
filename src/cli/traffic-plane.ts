/**
 * A data plane as `run` handles it, whichever it is: it listens, obeys, and is drained.
 */
import type { SetTimer } from '../checks/schedule.ts';
import type { Log } from '../controller/log.ts';
import type { DataPlane, DataPlaneObserver } from '../status/data-plane.ts';
import type { NginxFacts, NginxRefusal } from '../status/nginx-facts.ts';

export interface TrafficPlane extends DataPlane {
  /** Takes traffic when it resolves. Rejects when the address cannot be had, or the plane not be started. */
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  /** No new connections; what is under way may end within `graceMs`. */
  drain(graceMs: number): Promise<void>;
  /** Of the nginx plane alone. */
  facts?(): NginxFacts;
}

export interface PlaneSurroundings {
  readonly observer: DataPlaneObserver;
  /** Epoch ms, never going back. */
  readonly now: () => number;
  readonly setTimer: SetTimer;
  /** All addresses of a name. Rejects with the system's error. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
  readonly log: Log;
  /** Each time nginx has taken a configuration: the services that it does not take as they are configured. */
  readonly onRefusals: (refusals: readonly NginxRefusal[]) => void;
}

export type MakePlane = (around: PlaneSurroundings) => TrafficPlane;
