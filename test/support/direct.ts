/**
 * A direct data plane inside the test process, between two recording backends: requests in; what each backend got, what
 * the client got and what was reported out. Refuses to know configuration files.
 */
import type { TlsOptions } from 'node:tls';
import type { Outcome } from '../../src/fallback/outcome.ts';
import type { Migration, ServedMigration } from '../../src/migration/model.ts';
import type { RunState } from '../../src/migration/run-state.ts';
import { DirectPlane, type DirectPlaneOptions } from '../../src/proxy/direct-plane.ts';
import { buildTable } from '../../src/routing/build.ts';
import type { RoutingTable } from '../../src/routing/table.ts';
import type { RequestRecord } from '../../src/status/request-record.ts';
import { eventually } from './eventually.ts';
import { type Ask, ask, RawClient, type RawResponse } from './raw-client.ts';
import { OK, Recorder, type Script } from './recorder.ts';
import { sampleMigration } from './status-samples.ts';

export const HOST = 'shop.example';

export interface DirectOptions {
  readonly old?: Script | string;
  readonly new?: Script | string;
  /** New speaks TLS with these. */
  readonly newTls?: TlsOptions | null;
  readonly migration?: Partial<Migration>;
  readonly plane?: Partial<DirectPlaneOptions>;
}

export class Direct {
  readonly plane: DirectPlane;
  readonly old: Recorder;
  readonly new: Recorder;
  port = 0;
  readonly outcomes: Outcome[] = [];
  readonly records: RequestRecord[] = [];
  readonly refused: string[] = [];
  readonly forwarders: string[] = [];
  #table: RoutingTable | null = null;

  private constructor(oldRecorder: Recorder, newRecorder: Recorder, options: Partial<DirectPlaneOptions>) {
    this.old = oldRecorder;
    this.new = newRecorder;
    this.plane = new DirectPlane({
      listen: { host: '127.0.0.1', port: 0 },
      instance: 'proxy-under-test',
      observer: {
        attempt: (outcome) => this.outcomes.push(outcome),
        request: (record) => this.records.push(record),
        refused: (code) => this.refused.push(code),
        untrustedForwarder: (service, address) => this.forwarders.push(`${service} ${address}`),
      },
      ...options,
    });
  }

  static async start(options: DirectOptions = {}): Promise<Direct> {
    const [old, fresh] = await Promise.all([
      Recorder.listen(options.old ?? OK),
      Recorder.listen(options.new ?? OK, { tls: options.newTls ?? null }),
    ]);
    const direct = new Direct(old, fresh, options.plane ?? {});
    direct.apply(direct.migration(options.migration));
    direct.port = (await direct.plane.listen()).port;
    return direct;
  }

  /** All traffic to new by weight, unless `changes` say otherwise. */
  migration(changes: Partial<Migration> = {}): Migration {
    const base = sampleMigration({ shareBp: 10_000, timeoutMs: 2_000, connectTimeoutMs: 1_000 });
    return {
      ...base,
      old: { ...base.old, host: HOST, address: '127.0.0.1', port: this.old.port, protocol: 'http' },
      new: { ...base.new, host: 'shop.new.example', address: '127.0.0.1', port: this.new.port, protocol: 'http' },
      ...changes,
    };
  }

  apply(...migrations: Migration[]): void {
    this.serve(migrations.map((migration) => ({ migration, standing: 'valid' })));
  }

  serve(services: readonly ServedMigration[]): void {
    this.#table = buildTable(this.#table, services);
    this.plane.apply(this.#table);
  }

  setRunState(state: Partial<RunState>): void {
    this.plane.setRunState('shop', {
      state: 'steady',
      sinceMs: 0,
      admitBp: 10_000,
      admission: 'share',
      methods: 'all',
      ...state,
    });
  }

  ask(request: Ask = {}): Promise<RawResponse> {
    return ask(this.port, { host: HOST, ...request });
  }

  client(): Promise<RawClient> {
    return RawClient.connect(this.port);
  }

  /** The records of requests, when there are `count`. */
  recorded(count: number): Promise<RequestRecord[]> {
    return eventually(`${count} records`, () => (this.records.length >= count ? this.records : null), 20_000);
  }

  async stop(): Promise<void> {
    await this.plane.close();
    await Promise.all([this.old.close(), this.new.close()]);
  }
}
