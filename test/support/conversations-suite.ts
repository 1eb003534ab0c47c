/**
 * Drawn conversations, forty at once, at a direct plane whose backends break off anywhere and whose configuration and run state
 * change all the while. In: how many. It fails where an answer reaches the wrong request or half of one looks whole, where a
 * request that may not act twice does, where a backend gets another body than was sent, and where something is left behind.
 */
import { expect } from 'chai';
import { Direct, HOST } from './direct.ts';
import { eventually } from './eventually.ts';
import { field } from './http-message.ts';
import { type RawClient, requestBytes } from './raw-client.ts';
import type { Exchange, Recorder, Script } from './recorder.ts';
import { seededRandom } from './seeded-random.ts';

const AT_ONCE = 40;
const METHODS = ['GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH'];
/** Around the sizes of buffers: held, copied, lent. */
const SIZES = [0, 1, 3_000, 16_384, 16_385, 65_536, 70_000];
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n';

interface Asked {
  readonly method: string;
  readonly size: number;
}

/** Of a request, and of the answer to it: every byte tells whose it is. */
function bodyOf(id: number, size: number): Buffer {
  return Buffer.alloc(size, `${id},`);
}

class Conversations {
  readonly #direct: Direct;
  readonly #random: () => number;
  readonly #asked: Asked[] = [];
  answered = 0;

  constructor(direct: Direct, random: () => number) {
    this.#direct = direct;
    this.#random = random;
    direct.old.script = this.#script;
    direct.new.script = this.#script;
  }

  async talk(): Promise<void> {
    if (this.#chance(0.1)) this.#change();
    const ids = Array.from({ length: 1 + this.#below(4) }, () => this.#draw());
    const bytes = Buffer.concat(ids.map((id) => this.#bytesOf(id)));
    const client = await this.#direct.client();
    client.socket.on('error', () => undefined);
    if (this.#chance(0.15)) return this.#giveUp(client, bytes);
    for (let pos = 0; pos < bytes.length; ) {
      const end = pos + 1 + this.#below(this.#chance(0.3) ? 50 : 70_000);
      client.send(bytes.subarray(pos, end));
      pos = end;
      if (this.#chance(0.2)) await new Promise(setImmediate);
    }
    for (const id of ids) if (!(await this.#isAnswered(client, id))) break;
    client.destroy();
  }

  /** Whatever was sent on is what was sent, and only what may act twice came twice. */
  check(): void {
    const { old, new: fresh } = this.#direct;
    for (const { startLine, body } of [...old.requests, ...fresh.requests]) {
      const id = Number(startLine.split('/')[1].split(' ')[0]);
      expect(body.equals(bodyOf(id, this.#asked[id].size)), `body of ${startLine}`).to.equal(true);
    }
    const begun = new Map<string, number>();
    for (const [line] of [...heads(old), ...heads(fresh)]) begun.set(line, (begun.get(line) ?? 0) + 1);
    expect([...begun].filter(([line, times]) => times > 1 && /^(?:POST|PATCH)/.test(line))).to.deep.equal([]);
  }

  async #isAnswered(client: RawClient, id: number): Promise<boolean> {
    const { method } = this.#asked[id];
    const answer = await client.response({ forMethod: method, withinMs: 60_000 }).catch((error: unknown) => {
      if (client.queue.ended) return null;
      throw error;
    });
    if (answer === null) return false;
    this.answered++;
    const size = field(answer, 'X-Size');
    if (size === null) return field(answer, 'Content-Type') === 'application/json';
    expect(field(answer, 'X-Id')).to.equal(String(id));
    const expected = method === 'HEAD' ? Buffer.alloc(0) : bodyOf(id, Number(size));
    expect(answer.body.equals(expected), `the answer to ${method} ${id} of ${size} bytes is whole`).to.equal(true);
    return true;
  }

  async #giveUp(client: RawClient, bytes: Buffer): Promise<void> {
    client.send(bytes.subarray(0, this.#below(bytes.length)));
    if (this.#chance(0.5)) await new Promise(setImmediate);
    if (this.#chance(0.5)) client.reset();
    else client.destroy();
  }

  #draw(): number {
    const method = this.#pick(METHODS);
    const hasBody = method === 'POST' || method === 'PUT' || this.#chance(0.1);
    return this.#asked.push({ method, size: hasBody ? this.#pick(SIZES) : 0 }) - 1;
  }

  #bytesOf(id: number): Buffer {
    const { method, size } = this.#asked[id];
    const request = { method, path: `/${id}`, host: HOST };
    const body = bodyOf(id, size);
    if (this.#chance(0.5)) return requestBytes(size === 0 ? request : { ...request, body });
    const head = requestBytes({ ...request, headers: { 'Transfer-Encoding': 'chunked' } });
    return Buffer.concat([head, this.#chunks(body)]);
  }

  #chunks(body: Buffer): Buffer {
    const most = this.#pick([700, 16_384, 100_000]);
    const parts: Buffer[] = [];
    for (let pos = 0; pos < body.length; pos += most) {
      const data = body.subarray(pos, pos + most);
      parts.push(Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n'));
    }
    return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
  }

  readonly #script: Script = async ({ request, socket }: Exchange) => {
    const [method, path] = request.startLine.split(' ');
    const size = this.#pick(SIZES);
    const body = bodyOf(Number(path.slice(1)), size);
    const framing = this.#pick(['length', 'chunked', 'close']);
    const lines = [`HTTP/1.1 ${this.#pick([200, 200, 404, 503])} X`, `X-Id: ${path.slice(1)}`, `X-Size: ${size}`];
    if (framing === 'length') lines.push(`Content-Length: ${size}`);
    if (framing === 'chunked') lines.push('Transfer-Encoding: chunked');
    const sent = framing === 'chunked' ? this.#chunks(body) : body;
    const head = Buffer.from(`${this.#chance(0.1) ? HINTS : ''}${lines.join('\r\n')}\r\n\r\n`);
    const bytes = method === 'HEAD' ? head : Buffer.concat([head, sent]);
    const isCut = this.#chance(0.15);
    const end = isCut ? this.#below(bytes.length) : bytes.length;
    for (let pos = 0; pos < end; ) {
      const next = this.#chance(0.3) ? Math.min(end, pos + 1 + this.#below(20_000)) : end;
      await new Promise<unknown>((resolve) => socket.write(bytes.subarray(pos, next), resolve));
      pos = next;
    }
    // The end of a connection is the end of such an answer, wherever it comes.
    if (isCut && (framing === 'close' || this.#chance(0.5))) socket.resetAndDestroy();
    else if (isCut || framing === 'close' || this.#chance(0.05)) socket.end();
    return null;
  };

  #change(): void {
    const shareBp = this.#pick([0, 5_000, 10_000]);
    this.#direct.apply(this.#direct.migration({ shareBp, retryAttempts: this.#below(4), timeoutMs: 30_000 }));
    const one = { state: 'probing', admitBp: 0, admission: 'one' } as const;
    const states = [{}, {}, { state: 'fallen_back', admitBp: 0 }, { state: 'probing', admitBp: 5_000 }, one] as const;
    this.#direct.setRunState(this.#pick(states));
  }

  #below(most: number): number {
    return Math.floor(this.#random() * most);
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)];
  }
}

/** Start lines of all requests whose head began at a backend, whole or not. */
function heads(recorder: Recorder): RegExpMatchArray[] {
  return recorder.received.flatMap((bytes) => [...bytes.toString('latin1').matchAll(/[A-Z]+ \/\d+ HTTP\/1\.1/g)]);
}

export function conversations(runs: number): void {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  it(`${runs} drawn conversations, SEED=${seed}`, async () => {
    const faults: unknown[] = [];
    const direct = await Direct.start({
      migration: { timeoutMs: 30_000 },
      plane: { onFault: (error) => faults.push(error) },
    });
    try {
      const talks = new Conversations(direct, seededRandom(seed));
      let left = runs;
      const one = async (): Promise<void> => {
        while (left-- > 0) await talks.talk();
      };
      await Promise.all(Array.from({ length: AT_ONCE }, one));
      await eventually('nobody is served any more', () => direct.plane.connections().client === 0, 30_000);
      talks.check();
      expect(faults).to.deep.equal([]);
      expect(talks.answered).to.be.greaterThan(runs);
      expect(new Set(direct.records.map(({ requestId }) => requestId)).size).to.equal(direct.records.length);
    } finally {
      await direct.stop();
    }
  }).timeout(Math.max(60_000, runs * 400));
}
