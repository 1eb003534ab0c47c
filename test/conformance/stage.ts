/**
 * What every case needs: a plane started with the case's configuration and backends, a client, and messages in a form that
 * can be compared. Lines are compared as `Name: value`, sorted by name, those of one name in their order: planes may order
 * different fields as they like. Refuses to know what is expected.
 */
import { expect } from 'chai';
import type { Cluster } from '../../src/migration/model.ts';
import { type RunState, STEADY } from '../../src/migration/run-state.ts';
import { eventually } from '../support/eventually.ts';
import { field, type HttpMessage } from '../support/http-message.ts';
import { RawClient, type RawResponse } from '../support/raw-client.ts';
import { OK, type RecordedRequest } from '../support/recorder.ts';
import { OWN_REQUEST_ID } from '../support/request-ids.ts';
import { type Configuration, HOST, servicesOf } from './configuration.ts';
import type { Plane, PlaneSetup, PlaneUnderTest } from './plane-under-test.ts';

type Backend = PlaneSetup['old'] | null;

export interface Given extends Configuration {
  /** What the backends answer: `200 ok` where a case does not say. Null: nobody listens there. */
  readonly old?: Backend;
  readonly new?: Backend;
  readonly newTls?: PlaneSetup['newTls'];
  readonly names?: PlaneSetup['names'];
  readonly limits?: PlaneSetup['limits'];
  /** Of the service `shop`, over steady. */
  readonly state?: Partial<RunState>;
}

export class Stage {
  readonly under: PlaneUnderTest;
  /** Of everything that is waited for. */
  readonly patienceMs: number;
  readonly #plane: Plane;
  readonly #clients: RawClient[] = [];

  constructor(plane: Plane, under: PlaneUnderTest) {
    this.#plane = plane;
    this.under = under;
    this.patienceMs = plane.patienceMs;
  }

  async client(): Promise<RawClient> {
    const client = await RawClient.connect(this.under.port);
    this.#clients.push(client);
    return client;
  }

  /** One request on a connection of its own. */
  async ask(bytes: string, forMethod = bytes.slice(0, bytes.indexOf(' '))): Promise<RawResponse> {
    const client = await this.client();
    return client.send(bytes).response({ forMethod, withinMs: this.patienceMs });
  }

  requestsAt(cluster: Cluster): readonly RecordedRequest[] {
    return this.under[cluster].requests;
  }

  /** The one request that reached a backend, which is this cluster's. */
  only(cluster: Cluster): RecordedRequest {
    const other = cluster === 'old' ? 'new' : 'old';
    const seen = [this.requestsAt(cluster), this.requestsAt(other)].map((requests) => requests.map(({ head }) => head));
    expect(seen[1], `requests at ${other}`).to.deep.equal([]);
    expect(seen[0].length, `requests at ${cluster}`).to.equal(1);
    return this.requestsAt(cluster)[0];
  }

  /** Everything that ever reached a backend, whole requests or not. */
  get received(): string {
    return [...this.under.old.received, ...this.under.new.received].map((bytes) => bytes.toString('latin1')).join('');
  }

  /** Lines of an answer, without those that the plane may add to any: they are left out where none of their name is expected. */
  answerLines(answer: HttpMessage, expected: readonly string[]): string[] {
    const names = new Set(expected.map(nameIn));
    const isAdded = (line: string): boolean => this.#plane.addsToAnswers.some((added) => added.test(line));
    return linesOf(answer).filter((line) => names.has(nameIn(line)) || !isAdded(line));
  }

  async outcomes(count: number): Promise<string[]> {
    const { outcomes } = this.under;
    await eventually(`${count} outcomes`, () => outcomes.length >= count, this.patienceMs);
    return outcomes.map(({ cluster, failure }) => `${cluster} ${failure ?? 'answered'}`);
  }

  /** Codes of the requests that no service took. */
  async refused(): Promise<readonly string[]> {
    await this.under.reported();
    return this.under.refused;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.under.stop();
  }
}

/** Starts a plane for one case, and stops it whatever becomes of the case. */
export async function onStage(plane: Plane, given: Given, act: (stage: Stage) => Promise<void>): Promise<void> {
  const { old = OK, new: fresh = OK, newTls = null, names = {}, limits = {}, state } = given;
  const under = await plane.start({ old: old ?? OK, new: fresh ?? OK, newTls, names, limits });
  const stage = new Stage(plane, under);
  try {
    await under.serve(servicesOf(given, { old: under.old.port, new: under.new.port }, plane.longer));
    if (state !== undefined) await under.setRunState('shop', { ...STEADY, ...state });
    if (old === null) await under.old.close();
    if (fresh === null) await under.new.close();
    await act(stage);
  } finally {
    await stage.close();
  }
}

/** A head: each line with its CRLF, and the empty line. */
export function head(...lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** An ordinary request for the host of the ordinary service. */
export function request(
  method: string,
  path: string,
  lines: readonly string[] = [],
  body: string | null = null,
): string {
  const length = body === null ? [] : [`Content-Length: ${body.length}`];
  return head(`${method} ${path} HTTP/1.1`, `Host: ${HOST}`, ...lines, ...length) + (body ?? '');
}

/** Sorted by name; `*` stands for an id that the plane made. */
export function linesOf({ fields }: Pick<HttpMessage, 'fields'>): string[] {
  return sorted(
    fields.map(([name, value]) => {
      const isOwnId = name.toLowerCase() === 'x-request-id' && OWN_REQUEST_ID.test(value);
      return `${name}: ${isOwnId ? '*' : value}`.trimEnd();
    }),
  );
}

export function sorted(lines: readonly string[]): string[] {
  return lines.toSorted((x, y) => (nameIn(x) < nameIn(y) ? -1 : nameIn(x) > nameIn(y) ? 1 : 0));
}

function nameIn(line: string): string {
  return line.slice(0, line.indexOf(':')).toLowerCase();
}

/** `new weight`: who answered and why, as the answer's headers tell. */
export function decisionOf(answer: RawResponse): string {
  return `${field(answer, 'x-migration-cluster')} ${field(answer, 'x-migration-reason')}`;
}

/** The proxy's own answer: its code; null for any other. */
export function errorIn(answer: RawResponse): string | null {
  if (field(answer, 'content-type') !== 'application/json') return null;
  return (JSON.parse(answer.body.toString()) as { error?: string }).error ?? null;
}
