/**
 * The life of `run`: start, ready, re-read, drain, end. In: its options. Out: addresses on standard output once it is ready, and
 * an exit code. Whatever keeps it from starting is one line with the cure.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ConfigSource } from '../controller/config-source.ts';
import { LocalSource } from '../controller/local-source.ts';
import type { Log } from '../controller/log.ts';
import { openStateStore, type StateStore } from '../controller/state-store.ts';
import { StdinSource } from '../controller/stdin-source.ts';
import { adminToken, laterToken } from './admin-token.ts';
import type { ListenAddress } from './arguments.ts';
import { type Assembly, assemble } from './assemble.ts';
import { setTimer } from './clock.ts';
import { CliFailure, cannot, reasonOf } from './failure.ts';
import type { InCluster } from './in-cluster.ts';
import { createLog } from './log.ts';
import type { RunOptions } from './run-options.ts';
import { listenForSignals } from './signals.ts';
import { STDIN, sourceText } from './source-text.ts';
import { outliveClosedPipes, printData } from './streams.ts';
import type { MakePlane } from './traffic-plane.ts';
import { version } from './version.ts';

const LOG_GRACE_MS = 1_000;

export async function runProxy(options: RunOptions): Promise<void> {
  const log = createLog(options.logLevel, process.stderr);
  outliveClosedPipes();
  const inCluster = options.localConfig === undefined ? await kubernetesSource(options, log) : null;
  const source = inCluster?.source ?? (await localSource(options.localConfig ?? STDIN));
  const token = await tokenOf(options, log);
  const store = options.stateDir === undefined ? null : await openStore(options.stateDir, log);
  let waitingFor: string | null = 'the data plane does not take traffic yet';
  const planeNotReady = () => waitingFor;
  const makePlane = options.dataPlane === 'nginx' ? await nginxPlaneMaker(options) : null;
  const proxy = assemble(options, {
    source,
    inCluster,
    store,
    token,
    version: version(),
    log,
    planeNotReady,
    makePlane,
  });

  const signals = listenForSignals(log, () => void proxy.controller.reread());
  if (store === null && inCluster === null)
    log.info({}, 'no --state-dir: fallbacks, holds and the last good configuration end with this process');
  try {
    const admin = await listening(proxy.admin.listen(), '--admin-listen', options.adminListen);
    // An API server that does not answer keeps it waiting for its limit: whoever wants an end meanwhile gets it.
    await Promise.race([proxy.controller.start(), signals.end]);
    // Without a configuration every answer would be 404: better no answer, so that others are asked.
    if ((await Promise.race([proxy.controller.loaded, signals.end])) !== 'end') {
      // An nginx with thousands of backends takes seconds to start: whoever wants an end meanwhile gets it.
      const listens = listening(proxy.plane.listen(), '--listen', options.listen);
      const traffic = await Promise.race([listens, signals.end]);
      if (traffic !== 'end') {
        waitingFor = null;
        printData(`proxy  ${urlOf(traffic)}\nadmin  ${urlOf(admin)}`);
        log.info(
          { listen: urlOf(traffic), admin: urlOf(admin) },
          `ready: traffic on ${urlOf(traffic)}, admin on ${urlOf(admin)}`,
        );
        await signals.end;
      }
      waitingFor = 'draining';
      await drain(proxy, options, log);
    }
  } finally {
    await end(proxy, store);
    signals.forget();
  }
}

/** First not ready and still at work, so that whoever sends traffic looks elsewhere; then what is under way may end. */
async function drain({ plane }: Assembly, { drainDelay, drainTimeout }: RunOptions, log: Log): Promise<void> {
  log.info({ drain_delay_ms: drainDelay, drain_timeout_ms: drainTimeout }, 'draining');
  if (drainDelay > 0) await pause(drainDelay);
  await plane.drain(drainTimeout);
}

/**
 * The admin server tells what is going on until the end. Only the store outlives it: an abort that was answered must be kept.
 */
async function end({ accessLog, admin, cluster, controller }: Assembly, store: StateStore | null) {
  await controller.close();
  await cluster?.close();
  await accessLog.close(LOG_GRACE_MS);
  await admin.close();
  await store?.close();
}

async function nginxPlaneMaker(options: RunOptions): Promise<MakePlane> {
  const { makeNginxPlane } = await import('./make-nginx-plane.ts');
  return makeNginxPlane(options);
}

async function openStore(dir: string, log: Log): Promise<StateStore> {
  const opened = await openStateStore({
    dir,
    setTimer,
    onProblem: (message) => log.error({ code: 'state_dir' }, message),
    onRecovered: (message) => log.info({ code: 'state_dir' }, message),
  });
  if (opened.ok) return opened.store;
  throw cannot(opened.message);
}

async function kubernetesSource(options: RunOptions, log: Log): Promise<InCluster> {
  const { inCluster } = await import('./in-cluster.ts');
  return inCluster(options, log);
}

/** In a pod the file is of a Secret that may be made, or changed, later. */
async function tokenOf({ adminTokenFile, localConfig }: RunOptions, log: Log) {
  if (adminTokenFile === undefined) return null;
  return localConfig === undefined ? laterToken(adminTokenFile, log) : adminToken(adminTokenFile);
}

async function localSource(file: string): Promise<ConfigSource> {
  return file === STDIN ? stdinSource() : new LocalSource(file);
}

async function stdinSource(): Promise<StdinSource> {
  if (process.stdin.isTTY) throw cannot('--local-config - reads standard input, which is this terminal: give a file');
  return new StdinSource(await sourceText(STDIN));
}

async function listening<T>(listen: Promise<T>, flag: string, { host, port }: ListenAddress): Promise<T> {
  try {
    return await listen;
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    throw cannot(`cannot listen on ${host ?? ''}:${port}: ${reasonOf(error)}; ${flag} chooses another address`);
  }
}

function urlOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
