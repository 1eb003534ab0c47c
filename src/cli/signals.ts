/**
 * Signals and broken code, as `run` hears them. Out: a promise of the end, and calls to re-read. A second signal ends the process at
 * once, and so does an exception that nobody caught: what it left half done is unknown, and a proxy that misroutes is worse
 * than one that its supervisor starts again.
 */
import type { Log } from '../controller/log.ts';
import { EXIT_CANNOT } from './failure.ts';

/** A terminal, npm and the launcher each pass the same Ctrl-C on: within this it is one. */
const ONE_SIGNAL_MS = 500;
const ENDING = ['SIGTERM', 'SIGINT'] as const;
/** 128 + the number of SIGTERM or SIGINT, as a shell would say. */
const AT_ONCE: Readonly<Record<(typeof ENDING)[number], number>> = { SIGTERM: 143, SIGINT: 130 };

export interface Signals {
  /** Resolves at the first signal that ends. */
  readonly end: Promise<'end'>;
  forget(): void;
}

export function listenForSignals(log: Log, onReread: () => void): Signals {
  let firstMs: number | null = null;
  let resolveEnd: (end: 'end') => void = () => {};
  const end = new Promise<'end'>((resolve) => {
    resolveEnd = resolve;
  });
  const onEnd = (signal: (typeof ENDING)[number] | 'disconnect'): void => {
    if (firstMs === null) {
      firstMs = performance.now();
      log.info({ signal }, `${signal}: ending`);
      resolveEnd('end');
    } else if (signal !== 'disconnect' && performance.now() - firstMs > ONE_SIGNAL_MS) {
      log.warn({ signal }, `${signal} again: ending at once`);
      process.exit(AT_ONCE[signal]);
    }
  };
  for (const signal of ENDING) process.on(signal, onEnd);
  process.on('SIGHUP', onReread);
  // The launcher that started us with the right Node was killed: nobody else would end us.
  const onDisconnect = () => onEnd('disconnect');
  process.on('disconnect', onDisconnect);
  process.on('uncaughtException', (error) => {
    log.error({ err: error }, `this should not have happened, ending: ${error.message}`);
    process.exit(EXIT_CANNOT);
  });
  return {
    end,
    forget: () => {
      for (const signal of ENDING) process.off(signal, onEnd);
      process.off('SIGHUP', onReread);
      process.off('disconnect', onDisconnect);
      if (process.connected) process.disconnect();
    },
  };
}
