/**
 * The access log of a real process whose standard output is read slowly, never, or by nobody any more: a socket, as a
 * service manager gives, and a pipe, as a shell gives. The event loop must turn all the while, and the process must end
 * when it wants to.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { within } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';

const ACCESS_LOG = new URL('../../src/admin/access-log.ts', import.meta.url).href;
const LINES = 18_000;

/** 300 lines every 5 ms, 60 times: 5 MiB, far more than a pipe holds. Then it says how long its longest pause was. */
const WRITER = `
  const { AccessLog } = await import(${JSON.stringify(ACCESS_LOG)});
  const log = new AccessLog({ mode: 'all', flushEveryMs: 5, waitingLimit: 200_000 });
  const record = { service: 'shop', cluster: 'new', reason: 'weight', status: 200, answered: true, attempts: [],
    startedMs: 1, endedMs: 2, requestId: 'x'.repeat(32), method: 'GET' };
  let turns = 0, longestMs = 0, lastMs = performance.now();
  const timer = setInterval(async () => {
    longestMs = Math.max(longestMs, performance.now() - lastMs);
    lastMs = performance.now();
    for (let i = 0; i < 300; i++) log.request(record);
    if (++turns < 60) return;
    clearInterval(timer);
    await log.close(Number(process.env.GRACE_MS));
    console.error(Math.round(longestMs));
    process.exit(0);
  }, 5);
`;

interface Writer {
  readonly process: ChildProcess;
  /** What it writes; nothing is taken before somebody reads this. */
  readonly output: Readable;
}

function startWriter(stdout: 'pipe' | number, graceMs: number): ChildProcess {
  const env = { ...process.env, GRACE_MS: String(graceMs) };
  return spawn(process.execPath, ['--input-type=module', '-e', WRITER], { env, stdio: ['ignore', stdout, 'pipe'] });
}

/** What Node calls a pipe is a socket. */
function withSocket(graceMs: number): Writer {
  const process = startWriter('pipe', graceMs);
  return { process, output: process.stdout! };
}

function withPipe(graceMs: number): Writer {
  const path = join(tempDir(), 'pipe');
  execFileSync('mkfifo', [path]);
  const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writing = openSync(path, constants.O_WRONLY);
  const process = startWriter(writing, graceMs);
  closeSync(writing);
  return { process, output: new Socket({ fd: reading, readable: true, writable: false }).pause() };
}

for (const [kind, start] of Object.entries({ socket: withSocket, pipe: withPipe })) {
  describe(`the access log of a process that writes to a ${kind}`, () => {
    let writer: Writer;
    afterEach(() => {
      writer.process.kill('SIGKILL');
      writer.output.destroy();
    });

    async function exitCode(): Promise<unknown> {
      return (await within('exit', once(writer.process, 'exit')))[0];
    }

    it('whose reader stands still loses lines, no time, and ends', async () => {
      writer = start(50);
      const told = writer.process.stderr!.toArray();
      expect(await exitCode()).to.equal(0);
      expect(Number(Buffer.concat(await told))).to.be.within(1, 1_000);
    });

    it('whose reader is slow gets whole lines, and is told of those it lost', async () => {
      writer = start(10_000);
      const exited = exitCode();
      const chunks: Buffer[] = [];
      for await (const chunk of writer.output) {
        chunks.push(chunk as Buffer);
        await pause(5);
      }
      expect(await exited).to.equal(0);
      const lines = Buffer.concat(chunks).toString().trimEnd().split('\n');
      const events = lines.map((line) => JSON.parse(line) as { event: string; dropped?: number });
      const dropped = events.reduce((sum, event) => sum + (event.dropped ?? 0), 0);
      expect(events.filter(({ event }) => event === 'request').length + dropped).to.equal(LINES);
    });

    it('whose reader has gone goes on without a log', async () => {
      writer = start(10_000);
      writer.output.destroy();
      expect(await exitCode()).to.equal(0);
    });
  });
}
