/**
 * An API server for ConfigMaps that misbehaves on demand, in ways that a real one cannot be made to: refusals, broken lines,
 * bytes one at a time, silence, versions that go back, events out of order. Speaks list, watch, get, merge patch and create over plain
 * HTTP. What a test asks for next comes first; else it answers as the real one does.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { tempDir } from './temp-dir.ts';

export interface RawConfigMap {
  metadata: {
    namespace: string;
    name: string;
    uid: string;
    resourceVersion: string;
    creationTimestamp: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    managedFields: unknown[];
  };
  data: Record<string, string>;
}

export type Fault =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  /** The request is taken and never answered. */
  | 'hang'
  /** The connection ends without an answer. */
  | 'reset'
  /** A watch opens, and not a byte follows. */
  | 'mute'
  /** Each byte of the answer by itself. */
  | 'slow-bytes';

export interface Seen {
  readonly kind: 'list' | 'watch' | 'other';
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Of the client's end: tells connections apart. */
  readonly port: number;
}

interface OpenWatch {
  readonly response: ServerResponse;
  readonly selects: (object: RawConfigMap) => boolean;
  readonly fault: Fault | null;
}

export class FakeApiServer {
  readonly #server: Server;
  readonly #objects = new Map<string, RawConfigMap>();
  readonly #watches = new Set<OpenWatch>();
  /** What happened, for watches that begin in the past. */
  #history: { type: string; object: RawConfigMap }[] = [];
  readonly #faults: Record<Seen['kind'], Fault[]> = { list: [], watch: [], other: [] };
  /** All requests, the oldest first. */
  readonly seen: Seen[] = [];
  version = 100;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#answer(request, response));
  }

  static async start(): Promise<FakeApiServer> {
    const fake = new FakeApiServer(createServer());
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  /** Path of a kubeconfig for it. */
  kubeconfig(user: object = { token: 'secret-token' }): string {
    const path = join(tempDir(), 'kubeconfig');
    const config = {
      'current-context': 'fake',
      contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'tester', namespace: 'shop' } }],
      clusters: [{ name: 'fake', cluster: { server: this.url } }],
      users: [{ name: 'tester', user }],
    };
    writeFileSync(path, JSON.stringify(config));
    return path;
  }

  /** The next requests of that kind, in this order. */
  next(kind: Seen['kind'], ...faults: Fault[]): void {
    this.#faults[kind].push(...faults);
  }

  count(kind: Seen['kind']): number {
    return this.seen.filter((one) => one.kind === kind).length;
  }

  /** Makes or changes an object, and tells the watches. */
  put(name: string, data: Record<string, string>, more: Partial<RawConfigMap['metadata']> = {}): RawConfigMap {
    const key = `${more.namespace ?? 'shop'}/${name}`;
    const before = this.#objects.get(key);
    const object: RawConfigMap = {
      metadata: {
        namespace: 'shop',
        name,
        uid: `uid-${key}-${this.version}`,
        creationTimestamp: new Date(Date.UTC(2026, 0, 1) + this.version * 1_000).toISOString().replace('.000', ''),
        labels: {},
        annotations: {},
        managedFields: [],
        ...before?.metadata,
        ...more,
        resourceVersion: String(++this.version),
      },
      data,
    };
    this.#objects.set(key, object);
    this.#tell(before === undefined ? 'ADDED' : 'MODIFIED', object);
    return object;
  }

  remove(name: string, namespace = 'shop'): void {
    const key = `${namespace}/${name}`;
    const object = this.#objects.get(key);
    if (object === undefined) throw new Error(`no ${key}`);
    this.#objects.delete(key);
    const metadata = { ...object.metadata, resourceVersion: String(++this.version) };
    this.#tell('DELETED', { ...object, metadata });
  }

  /** Changes what a list says, and no watch hears of it. */
  replaceSilently(object: RawConfigMap): void {
    this.#objects.set(`${object.metadata.namespace}/${object.metadata.name}`, object);
  }

  /** As if restored from a backup: what happened after `version` never did. Objects stay as the test leaves them. */
  setBack(version: number): void {
    this.version = version;
    this.#history = this.#history.filter(({ object }) => Number(object.metadata.resourceVersion) <= version);
  }

  /** To every open watch, as it stands. */
  write(text: string): void {
    for (const { response } of this.#watches) response.write(text);
  }

  writeEvent(type: string, object: unknown): void {
    this.write(`${JSON.stringify({ type, object })}\n`);
  }

  endWatches(how: 'end' | 'reset' = 'end'): void {
    for (const { response } of this.#watches) {
      if (how === 'end') response.end();
      else response.socket?.resetAndDestroy();
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #tell(type: string, object: RawConfigMap): void {
    this.#history.push({ type, object });
    for (const watch of this.#watches) this.#send(watch, type, object);
  }

  #send({ response, selects, fault }: OpenWatch, type: string, object: RawConfigMap): void {
    if (fault === 'mute' || !selects(object)) return;
    const text = `${JSON.stringify({ type, object })}\n`;
    if (fault === 'slow-bytes') for (const byte of Buffer.from(text)) response.write(Buffer.of(byte));
    else response.write(text);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const url = new URL(request.url ?? '', this.url);
    const { method = '', headers } = request;
    const isSet = /\/configmaps$/.test(url.pathname) && method === 'GET';
    const kind = !isSet ? 'other' : url.searchParams.get('watch') === 'true' ? 'watch' : 'list';
    this.seen.push({ kind, method, url, headers, body, port: request.socket.remotePort ?? 0 });
    const fault = this.#faults[kind].shift() ?? null;
    if (fault === 'hang') return;
    if (fault === 'reset') return void request.socket.resetAndDestroy();
    if (fault !== null && typeof fault === 'object') return refuse(response, fault);
    if (kind === 'watch') return this.#watch(url, response, fault);
    if (kind === 'list') return this.#list(url, response);
    this.#one(method, url, body, response);
  }

  #list(url: URL, response: ServerResponse): void {
    const items = [...this.#objects.values()].filter(selection(url));
    const limit = Number(url.searchParams.get('limit') ?? Infinity);
    const from = Number(url.searchParams.get('continue') ?? 0);
    const metadata = {
      resourceVersion: String(this.version),
      ...(items.length > from + limit ? { continue: String(from + limit) } : {}),
    };
    send(response, 200, { kind: 'ConfigMapList', metadata, items: items.slice(from, from + limit) });
  }

  #watch(url: URL, response: ServerResponse, fault: Fault | null): void {
    const watch: OpenWatch = { response, selects: selection(url), fault };
    response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders();
    this.#watches.add(watch);
    response.once('close', () => this.#watches.delete(watch));
    const since = Number(url.searchParams.get('resourceVersion'));
    for (const { type, object } of this.#history) {
      if (Number(object.metadata.resourceVersion) > since) this.#send(watch, type, object);
    }
  }

  #one(method: string, url: URL, body: string, response: ServerResponse): void {
    const [, namespace, name] = url.pathname.match(/\/namespaces\/([^/]+)\/configmaps\/([^/]+)$/) ?? [];
    const object = this.#objects.get(`${namespace}/${name}`);
    if (object === undefined) return send(response, 404, { kind: 'Status', reason: 'NotFound', message: 'not found' });
    if (method === 'GET') return send(response, 200, object);
    const patch = JSON.parse(body) as Partial<RawConfigMap>;
    const annotations = { ...object.metadata.annotations, ...patch.metadata?.annotations };
    send(response, 200, this.put(name, { ...object.data, ...patch.data }, { ...object.metadata, annotations }));
  }
}

function selection(url: URL): (object: RawConfigMap) => boolean {
  const namespace = url.pathname.match(/\/namespaces\/([^/]+)\//)?.[1];
  const name = url.searchParams.get('fieldSelector')?.replace('metadata.name=', '');
  const [label, value] = (url.searchParams.get('labelSelector') ?? '').split('=');
  return ({ metadata }) =>
    (namespace === undefined || metadata.namespace === namespace) &&
    (name === undefined || metadata.name === name) &&
    (label === '' || metadata.labels[label] === value);
}

function refuse(response: ServerResponse, fault: Exclude<Fault, string>): void {
  const status = { kind: 'Status', code: fault.status, message: `the fake says ${fault.status}` };
  response.writeHead(fault.status, fault.headers).end(fault.body ?? JSON.stringify(status));
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}
