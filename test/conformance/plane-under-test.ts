/**
 * What a data plane has to offer to be judged by the conformance table: it starts between two recording backends, serves
 * what it is told, and is asked over a socket like any proxy. Nothing here knows which plane it is, nor what a case wants.
 */
import type { TlsOptions } from 'node:tls';
import type { Outcome } from '../../src/fallback/outcome.ts';
import type { ServedMigration } from '../../src/migration/model.ts';
import type { RunState } from '../../src/migration/run-state.ts';
import type { Recorder, Script } from '../support/recorder.ts';

/** The plane's own name in Via. */
export const INSTANCE = 'proxy-under-test';

/** Waits for slow clients and the memory for a second attempt; a plane's defaults hold where a case names none. */
export interface ClientLimits {
  readonly headTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly keepAliveMs: number;
  /** Bodies up to this may be sent again. */
  readonly replayBytes: number;
}

export interface PlaneSetup {
  readonly old: Script | string;
  readonly new: Script | string;
  /** The new backend speaks TLS with these. */
  readonly newTls: TlsOptions | null;
  /** The addresses of backend names; no other name has one. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  readonly limits: Partial<ClientLimits>;
}

/** A plane at work, with backends that saw no request yet. */
export interface PlaneUnderTest {
  /** Of 127.0.0.1. */
  readonly port: number;
  readonly old: Recorder;
  readonly new: Recorder;
  /** Attempts that ended, in their order. */
  readonly outcomes: readonly Outcome[];
  /** Codes of requests that no service took. */
  readonly refused: readonly string[];
  /** Resolves when the next request is decided by it. */
  serve(services: readonly ServedMigration[]): Promise<void>;
  /** The same for the run state of one service. */
  setRunState(service: string, state: RunState): Promise<void>;
  /** Resolves when `outcomes` and `refused` hold everything that clients were answered before. */
  reported(): Promise<void>;
  stop(): Promise<void>;
}

/** Longer than any wait that a case is about. */
export const ANSWER_MS = 5_000;

/** The plane itself could not be brought to work: nothing is known of the case. */
export class PlaneFault extends Error {}

export interface Plane {
  readonly name: string;
  /** Lines that it may add to any answer which has none of that name. */
  readonly addsToAnswers: readonly RegExp[];
  /** A body that is chunked, or larger than what is kept: `held` while little of it has left, or `streamed` and never sent twice. */
  readonly openBodies: 'held' | 'streamed';
  /** How strategy `weight` without stickiness keeps its share. */
  readonly spreads: 'evenly' | 'by chance';
  /** For how long a case waits for what it expects of it. */
  readonly patienceMs: number;
  /** Time limits of backends are so many times what a case says. */
  readonly longer: number;
  start(setup: PlaneSetup): Promise<PlaneUnderTest>;
  /** After the last case: ends what was kept for a next one. */
  close(): Promise<void>;
}
