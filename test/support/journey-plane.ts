/**
 * The two data planes as a journey meets them: configuration text in, a running proxy out, and how soon it promises to know
 * of a failure. What a journey sees of either is to be the same.
 */
import { RunningNginx } from './running-nginx.ts';
import { RunningProxy } from './running-proxy.ts';

export interface JourneyPlane {
  readonly name: 'direct' | 'nginx';
  /** From a failure until it is counted and obeyed; 0: before the next attempt. Promised by nginx's plane: 250 ms. */
  readonly knowsWithinMs: number;
  start(yaml: string): Promise<JourneyRun>;
}

export interface JourneyRun {
  readonly proxy: RunningProxy;
  /** What only a change of configuration may change; null where there is no such thing. */
  generation(): Promise<unknown>;
  end(): Promise<void>;
}

export const DIRECT: JourneyPlane = {
  name: 'direct',
  knowsWithinMs: 0,
  start: async (yaml) => {
    const proxy = await RunningProxy.start(yaml);
    return {
      proxy,
      generation: async () => null,
      end: async () => {
        if (proxy.process.exitCode === null) await proxy.stop('SIGKILL');
      },
    };
  },
};

/** Four times the promise: other tests may have the machine too. */
const PATIENT_MS = 1_000;

export const NGINX: JourneyPlane = {
  name: 'nginx',
  knowsWithinMs: PATIENT_MS,
  start: (yaml) => RunningNginx.start(yaml),
};
