/**
 * The nginx data plane as the conformance table sees it: the plane of `run` with a real nginx, which lives on from case to case
 * while its settings are the same. The backends are each case's own, on the same ports, so that equal cases are equal texts.
 */

import type { ServedMigration } from '../../src/migration/model.ts';
import type { RunState } from '../../src/migration/run-state.ts';
import { nginxVersion, njsModule } from '../support/nginx-binary.ts';
import { Recorder } from '../support/recorder.ts';
import { LivingNginx, type Reported } from './living-nginx.ts';
import { nginxDifferences } from './nginx-differences.ts';
import type { Differences } from './plan.ts';
import { ANSWER_MS, type Plane, type PlaneSetup, type PlaneUnderTest } from './plane-under-test.ts';
import { Pool } from './pool.ts';

const VERSION = nginxVersion();
const pool = new Pool((setup) => LivingNginx.of(setup, VERSION));

class NginxUnderTest implements PlaneUnderTest {
  readonly port: number;
  readonly old: Recorder;
  readonly new: Recorder;
  readonly #nginx: LivingNginx;
  #hasBegun = false;

  constructor(nginx: LivingNginx, old: Recorder, fresh: Recorder) {
    this.port = nginx.ports.listen;
    this.old = old;
    this.new = fresh;
    this.#nginx = nginx;
  }

  get outcomes(): Reported['outcomes'] {
    return this.#nginx.reported.outcomes;
  }

  get refused(): Reported['refused'] {
    return this.#nginx.reported.refused;
  }

  async serve(services: readonly ServedMigration[]): Promise<void> {
    if (this.#hasBegun) return this.#nginx.serve(services);
    this.#hasBegun = true;
    await this.#nginx.begin(services);
  }

  async setRunState(service: string, state: RunState): Promise<void> {
    this.#nginx.setRunState(service, state);
  }

  reported(): Promise<void> {
    return this.#nginx.told();
  }

  /** Clients first: what they left is not sent on to backends of the next case. */
  async stop(): Promise<void> {
    await this.#nginx.end();
    await Promise.all([this.old.close(), this.new.close()]);
    await pool.giveBack(this.#nginx);
  }
}

async function backends(setup: PlaneSetup, { ports }: LivingNginx): Promise<[old: Recorder, fresh: Recorder]> {
  return Promise.all([
    Recorder.listen(setup.old, { port: ports.old }),
    Recorder.listen(setup.new, { port: ports.new, tls: setup.newTls }),
  ]);
}

export const NGINX: Plane = {
  name: 'nginx',
  addsToAnswers: [/^Date: /, /^Server: nginx$/, /^Connection: keep-alive$/],
  openBodies: 'streamed',
  spreads: 'by chance',
  patienceMs: ANSWER_MS,
  longer: 1,
  async start(setup) {
    const nginx = await pool.take(setup);
    const [old, fresh] = await backends(setup, nginx);
    return new NginxUnderTest(nginx, old, fresh);
  },
  close: () => pool.close(),
};

export const NGINX_DIFFERS: Differences = nginxDifferences(VERSION, njsModule() === null ? 'no njs' : 'njs');
