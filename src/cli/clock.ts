/**
 * The one clock and the one kind of timer that all parts of `run` are given: an outcome's times are compared with those of states.
 */
import type { SetTimer } from '../checks/schedule.ts';

export const setTimer: SetTimer = (fire, delayMs) => {
  // Longer waits would fire at once; whoever asks for one is asked again after 24 days.
  const timer = setTimeout(fire, Math.min(Math.max(0, delayMs), 2 ** 31 - 1)).unref();
  return () => clearTimeout(timer);
};

const ORIGIN_MS = performance.timeOrigin;
/** Epoch ms, never going back. Asked for several times a request. */
export const now = (): number => ORIGIN_MS + performance.now();
