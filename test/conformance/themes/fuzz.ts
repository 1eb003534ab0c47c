/**
 * Damaged, pipelined requests over real sockets, many clients at once. Whatever they send: as many requests reach the backends
 * as there are answers of backends, each answer goes to the one who asked, in order; each request line at a backend was sent by
 * its client; what is not passed on is refused; every connection comes to an end. `FUZZ_RUNS` conversations, 2 000 where it is
 * not set.
 */
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { ByteQueue } from '../../support/byte-queue.ts';
import { within } from '../../support/eventually.ts';
import { field, readHead, statusOf } from '../../support/http-message.ts';
import type { RecordedRequest, Script } from '../../support/recorder.ts';
import { type Conversation, conversations } from '../damaged-requests.ts';
import { ANSWER_MS, type Plane } from '../plane-under-test.ts';
import { type Given, head, onStage, request } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

const MOST_AT_ONCE = 50;
const MEAN_AT_ONCE = MOST_AT_ONCE / 2;

/** Each client has an address of its own, which no request can forge: X-Forwarded-For at a backend says who asked. */
const addressOf = (client: number): string => `127.2.${client >> 8}.${client & 255}`;

/** What one client got: for each final answer the number of the request at the backends, or null for one of the proxy's own. */
type Heard = readonly (number | null)[];

/** Requests in the order in which both backends got them; each answer says which it is for. */
class Echo {
  readonly seen: RecordedRequest[] = [];
  readonly script: Script = ({ request: seen }) => {
    const number = String(this.seen.push(seen) - 1);
    const lines = ['HTTP/1.1 200 OK', `X-Number: ${number}`, `Content-Length: ${number.length}`];
    return head(...lines) + (seen.startLine.startsWith('HEAD ') ? '' : number);
  };

  /** Numbers of the requests that this client sent. */
  of(client: number): number[] {
    const address = addressOf(client);
    return this.seen.flatMap((seen, number) => (field(seen, 'x-forwarded-for') === address ? [number] : []));
  }
}

async function converse(port: number, client: number, { pieces }: Conversation, echo: Echo): Promise<Heard> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: addressOf(client), noDelay: true });
  const queue = new ByteQueue(socket);
  for (const piece of pieces) {
    if (socket.writable) socket.write(Buffer.from(piece, 'latin1'));
    await turn();
  }
  try {
    const heard: (number | null)[] = [];
    while (await hasMore(queue)) {
      const answer = await nextAnswer(queue, echo);
      if (answer !== 'interim') heard.push(answer);
    }
    return heard;
  } finally {
    socket.destroy();
  }
}

/** False at the end of the connection, which must come. */
async function hasMore(queue: ByteQueue): Promise<boolean> {
  try {
    await queue.peek(1, ANSWER_MS);
    return true;
  } catch (error) {
    if (!queue.ended) throw error;
    return false;
  }
}

async function nextAnswer(queue: ByteQueue, echo: Echo): Promise<Heard[number] | 'interim'> {
  const answer = await readHead(queue, ANSWER_MS);
  const status = statusOf(answer);
  if (status < 200) return 'interim';
  const length = Number(field(answer, 'content-length'));
  const number = field(answer, 'x-number');
  if (number === null) {
    expect(status, answer.head).to.be.oneOf([400, 404, 405, 408, 413, 414, 417, 431, 501, 505]);
    // A refusal of HEAD has no body, and of a broken head nobody knows the method.
    if (await startsWithBrace(queue))
      expect(JSON.parse((await queue.exactly(length, ANSWER_MS)).toString())).to.be.an('object');
    return null;
  }
  const isHead = echo.seen[Number(number)].startLine.startsWith('HEAD ');
  const body = isHead ? number : (await queue.exactly(length, ANSWER_MS)).toString();
  expect(body).to.equal(number);
  return Number(number);
}

async function startsWithBrace(queue: ByteQueue): Promise<boolean> {
  return (await hasMore(queue)) && queue.waiting[0] === 0x7b;
}

/** The method and the target, in origin form or behind an authority, stand somewhere in what the client sent. */
function wasSent(startLine: string, pieces: readonly string[]): boolean {
  const [method, target] = startLine.split(' ');
  const escaped = [method, target].map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const origin = target === '/' || target === '*' ? `(?:${escaped[1]})?` : escaped[1];
  return new RegExp(`${escaped[0]} (?:https?://[^/? ]*)?${origin} HTTP/1\\.[01]\r\n`, 'i').test(pieces.join(''));
}

async function together(plane: Plane, talks: readonly Conversation[]): Promise<void> {
  const echo = new Echo();
  const limits = { headTimeoutMs: 100, bodyTimeoutMs: 100, keepAliveMs: 100 };
  const given: Given = {
    old: echo.script,
    new: echo.script,
    service: { migration: { percentage: 50 } },
    global: { default_timeout: '4s' },
    limits,
  };
  await onStage(plane, given, async (stage) => {
    const all = talks.map((talk, client) => converse(stage.under.port, client + 1, talk, echo));
    const heard = await within('every connection ends', Promise.all(all), 2 * ANSWER_MS);
    heard.forEach((answers, i) => {
      const asked = echo.of(i + 1);
      const { pieces, intact } = talks[i];
      const numbers = answers.filter((number) => number !== null);
      expect(numbers, 'answers are those to the client’s own requests, in order').to.deep.equal(asked);
      for (const number of asked) {
        const { startLine } = echo.seen[number];
        expect(wasSent(startLine, pieces), `nobody sent ${startLine}`).to.equal(true);
      }
      if (intact > 0) expect(answers.length).to.equal(intact);
    });
    expect(heard.flat().filter((number) => number === null).length).to.equal((await stage.refused()).length);
    expect(stage.requestsAt('old').length + stage.requestsAt('new').length).to.equal(echo.seen.length);
    expect((await stage.ask(request('GET', '/after'))).status).to.equal(200);
  });
}

/** As many conversations as are asked for, a few more or less. */
export function fuzzCase(conversationCount: number): Case {
  const numRuns = Math.ceil(conversationCount / MEAN_AT_ONCE);
  return {
    name: 'conversations of damaged requests',
    limitMs: 60_000 + 30 * conversationCount,
    run: async (plane) => {
      const talks = fc.array(conversations, { minLength: 1, maxLength: MOST_AT_ONCE, size: 'max' });
      await fc.assert(
        fc.asyncProperty(talks, (some) => together(plane, some)),
        { numRuns },
      );
    },
  };
}

export const fuzz: Theme = { name: 'fuzz', cases: [fuzzCase(Number(process.env.FUZZ_RUNS ?? 2000))] };
