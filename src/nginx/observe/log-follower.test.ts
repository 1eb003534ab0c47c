import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { sampleMigration } from '../../../test/support/status-samples.ts';
import { tempDir } from '../../../test/support/temp-dir.ts';
import type { Outcome } from '../../fallback/outcome.ts';
import type { RequestRecord } from '../../status/request-record.ts';
import { LogFollower } from './log-follower.ts';

const START = 1_795_274_400_000;
/** What the plane's clock is ahead of the machine's. */
const AHEAD = 7;

/** nginx's workers as far as the logs go: each has its own descriptors and its own buffer. */
class Worker {
  readonly #stage: Stage;
  #fd: number;
  #errorFd: number;
  #buffer = '';

  constructor(stage: Stage) {
    this.#stage = stage;
    [this.#fd, this.#errorFd] = stage.openLogs();
  }

  request(connection: number, { status = 200, service = 'shop', decision = 'new:weight' } = {}): void {
    const end = (this.#stage.wallMs / 1_000).toFixed(3);
    const digits = String(status).padStart(3, '0');
    this.#buffer += `${end}\t${connection}\t${service}\t${decision}\t${digits}\t0.003\n`;
  }

  error(connection: number, message: string): void {
    writeSync(
      this.#errorFd,
      `2026/11/21 15:19:57 [error] 1#1: *${connection} ${message}, client: ::1, request: "GET / H"\n`,
    );
  }

  flush(): void {
    if (this.#buffer !== '') writeSync(this.#fd, this.#buffer);
    this.#buffer = '';
  }

  reopen(): void {
    this.flush();
    this.close();
    [this.#fd, this.#errorFd] = this.#stage.openLogs();
  }

  close(): void {
    closeSync(this.#fd);
    closeSync(this.#errorFd);
  }
}

class Stage {
  readonly directory = tempDir();
  readonly log = join(this.directory, 'log', 'outcome.log');
  wallMs = START;
  outcomes: Outcome[] = [];
  records: RequestRecord[] = [];
  refused: string[] = [];
  problems: string[] = [];
  reopens = 0;
  throws = false;
  follower!: LogFollower;

  constructor(rotateBytes = 1e9) {
    mkdirSync(join(this.directory, 'log'));
    this.begin(rotateBytes);
  }

  /** A reader begins; one before it is gone as by kill -9. */
  begin(rotateBytes = 1e9): void {
    this.follower = new LogFollower({
      directory: this.directory,
      observer: {
        attempt: (outcome) => {
          if (this.throws) throw new Error('a fault of the observer');
          this.outcomes.push(outcome);
        },
        request: (record) => this.records.push(record),
        refused: (code) => this.refused.push(code),
        untrustedForwarder: () => {},
      },
      factsOf: () => sampleMigration(),
      now: () => this.wallMs + AHEAD,
      wallNow: () => this.wallMs,
      reopen: () => this.reopens++,
      onProblem: (message) => this.problems.push(message),
      rotateBytes,
    });
    this.follower.open();
  }

  openLogs(): [number, number] {
    return [openSync(this.log, 'a'), openSync(join(this.directory, 'log', 'error.log'), 'a')];
  }

  pass(ms: number): void {
    this.wallMs += ms;
    this.follower.turn();
  }

  get ends(): number[] {
    return this.outcomes.map(({ endedMs }) => endedMs - START - AHEAD);
  }
}

describe('following the logs of nginx', () => {
  it('tells an attempt and a request for each line, on the clock of the plane', () => {
    const stage = new Stage();
    const worker = new Worker(stage);
    worker.request(1);
    worker.flush();
    stage.pass(100);
    const times = { startedMs: START + AHEAD - 3, endedMs: START + AHEAD };
    expect(stage.outcomes).to.deep.equal([
      { service: 'shop', cluster: 'new', ...times, status: 200, failure: null, message: '', probe: false },
    ]);
    expect(stage.records).to.deep.equal([
      {
        service: 'shop',
        cluster: 'new',
        reason: 'weight',
        status: 200,
        answered: true,
        attempts: [{ cluster: 'new', failure: null, message: '', durationMs: 3 }],
        ...times,
        requestId: '',
        method: '',
      },
    ]);
  });

  it('tells of brief lines what full ones would: statuses that fail, answers without a head, tunnels, refusals', () => {
    const stage = new Stage();
    const worker = new Worker(stage);
    for (const status of [503, 9, 101]) worker.request(status, { status });
    worker.request(4, { status: 503, decision: 'old:weight' });
    worker.request(5, { status: 404, service: '', decision: '' });
    worker.flush();
    stage.pass(100);
    const told = stage.outcomes.map(({ cluster, failure, status }) => `${cluster} ${failure} ${status}`);
    expect(told).to.deep.equal(['new status 503', 'new invalid_response 0', 'new null 101', 'old null 503']);
    expect(stage.records.map(({ status, answered }) => `${status} ${answered}`)).to.deep.equal([
      '503 true',
      '502 false',
      '101 true',
      '503 true',
    ]);
    expect(stage.refused).to.deep.equal(['no_such_host']);
  });

  it('puts the lines of several workers in order', () => {
    const stage = new Stage();
    const [a, b] = [new Worker(stage), new Worker(stage)];
    a.request(1);
    stage.pass(10);
    b.request(2);
    stage.pass(10);
    a.request(1);
    b.flush();
    stage.pass(30);
    a.flush();
    stage.pass(60);
    expect(stage.ends).to.deep.equal([0, 10]);
    stage.pass(10);
    expect(stage.ends).to.deep.equal([0, 10, 20]);
  });

  it('tells within 200 ms of the flush, even where the clock was put back', () => {
    const stage = new Stage();
    const worker = new Worker(stage);
    stage.wallMs += 3_600_000;
    worker.request(1);
    worker.flush();
    stage.wallMs -= 3_600_000;
    stage.pass(20);
    expect(stage.outcomes).to.have.length(0);
    stage.pass(100);
    expect(stage.outcomes).to.have.length(1);
    // A time to come would keep the windows of the fallback, and a trip, for as long as the clock was put back.
    expect(stage.outcomes[0].endedMs).to.be.at.most(stage.wallMs + AHEAD);
  });

  it('waits for the rest of a line, and goes on behind one that is broken', () => {
    const stage = new Stage();
    const worker = new Worker(stage);
    worker.request(1);
    worker.flush();
    const line = readFileSync(stage.log, 'latin1');
    appendFileSync(stage.log, line.slice(0, 20));
    stage.pass(20);
    appendFileSync(stage.log, line.slice(20));
    appendFileSync(stage.log, `half ${line}${line}${'x'.repeat(600_000)}\n${line}garbage\n`);
    for (let i = 0; i < 8; i++) stage.pass(20);
    expect(stage.outcomes).to.have.length(4);
    expect(stage.follower.garbageLines).to.be.at.least(3);
    expect(stage.problems).to.have.length(1);
  });

  it('passes over what nobody wrote down to have told, and reads a file that appears from its beginning', () => {
    const stage = new Stage();
    const worker = new Worker(stage);
    worker.request(1);
    worker.flush();
    unlinkSync(join(stage.directory, 'log', 'checkpoint.json'));
    stage.begin();
    stage.pass(200);
    expect(stage.outcomes).to.have.length(0);
    worker.request(2);
    worker.flush();
    stage.pass(200);
    expect(stage.outcomes).to.have.length(1);
  });

  it('takes a checkpoint that is damaged for none', () => {
    for (const text of ['', 'null', '{', '{"throughMs":1,"outcome":[{}],"error":[]}']) {
      const stage = new Stage();
      new Worker(stage);
      writeFileSync(join(stage.directory, 'log', 'checkpoint.json'), text);
      stage.begin();
      stage.pass(200);
      expect(stage.problems).to.deep.equal([]);
    }
  });

  it('lets an observer that throws cost one line', () => {
    const stage = new Stage();
    const worker = new Worker(stage);
    worker.request(1);
    worker.flush();
    stage.throws = true;
    stage.pass(100);
    stage.throws = false;
    worker.request(1);
    worker.flush();
    stage.pass(100);
    expect(stage.outcomes).to.have.length(1);
    expect(stage.problems).to.have.length(1);
  });

  it('counts each request once over rotations, with several workers, a worker that is slow to move over, and kills', () => {
    for (const killEvery of [1e9, 7, 1]) {
      const stage = new Stage(2_000);
      const workers = [new Worker(stage), new Worker(stage), new Worker(stage)];
      let moved = 0;
      let sent = 0;
      for (let step = 0; step < 1_200; step++) {
        const worker = workers[(step * 7) % 3];
        worker.request(step);
        sent++;
        if (step % 4 === 0) worker.flush();
        if (stage.reopens > moved && step % 10 === 0) {
          // One after the other, so that both files grow for a while.
          workers[step % 3].reopen();
          workers[(step + 1) % 3].reopen();
          if (step % 20 === 0) {
            workers[(step + 2) % 3].reopen();
            moved = stage.reopens;
          }
        }
        if (step % killEvery === killEvery - 1) stage.begin(2_000);
        stage.pass(step % 100 === 99 ? 2_500 : 9);
      }
      for (const worker of workers) worker.flush();
      for (let i = 0; i < 400; i++) {
        if (stage.reopens > moved) for (const worker of workers) worker.reopen();
        moved = stage.reopens;
        stage.pass(20);
      }
      expect(stage.outcomes, `killed every ${killEvery}`).to.have.length(sent);
      expect(stage.reopens).to.be.above(2);
      expect(stage.problems).to.deep.equal([]);
      expect(existsSync(`${stage.log}.old`), 'the old file is gone').to.equal(false);
      expect(statSync(stage.log).size).to.be.below(30_000);
    }
  });

  it('keeps the old file, and asks again, until nginx has opened a new one', () => {
    const stage = new Stage(100);
    const worker = new Worker(stage);
    for (let i = 0; i < 10; i++) worker.request(i);
    worker.flush();
    for (let i = 0; i < 40; i++) stage.pass(100);
    expect(stage.reopens).to.equal(4);
    worker.request(10);
    worker.flush();
    stage.pass(100);
    stage.pass(100);
    expect(stage.outcomes).to.have.length(11);
    worker.reopen();
    for (let i = 0; i < 30; i++) stage.pass(100);
    expect(existsSync(`${stage.log}.old`)).to.equal(false);
  });

  it('has nginx open a new file where somebody removed it, and loses nothing', () => {
    const stage = new Stage();
    const worker = new Worker(stage);
    stage.pass(600);
    unlinkSync(stage.log);
    stage.pass(600);
    expect(stage.reopens).to.equal(1);
    worker.request(1);
    worker.reopen();
    worker.request(2);
    worker.flush();
    stage.pass(200);
    expect(stage.outcomes).to.have.length(2);
  });

  it('reads a file that was emptied from its beginning, and says so', () => {
    const stage = new Stage();
    const worker = new Worker(stage);
    for (let i = 0; i < 3; i++) worker.request(1);
    worker.flush();
    stage.pass(200);
    truncateSync(stage.log, 0);
    stage.pass(200);
    worker.request(1);
    worker.flush();
    stage.pass(200);
    expect(stage.outcomes).to.have.length(4);
    expect(stage.problems).to.have.length(1);
  });
});

describe('an answer that broke off', () => {
  const BROKE = 'upstream prematurely closed connection while reading upstream';

  it('is the last of its connection, however the lines come', () => {
    for (const flushed of ['together', 'apart']) {
      const stage = new Stage();
      const worker = new Worker(stage);
      worker.request(1);
      worker.request(2);
      stage.pass(20);
      if (flushed === 'apart') worker.flush();
      stage.pass(10);
      worker.error(1, BROKE);
      worker.request(1);
      stage.pass(50);
      worker.flush();
      for (let i = 0; i < 15; i++) stage.pass(20);
      expect(
        stage.outcomes.map(({ failure }) => failure),
        flushed,
      ).to.deep.equal([null, null, 'truncated']);
      expect(stage.records.at(-1), flushed).to.include({ status: 200, answered: true, method: 'GET' });
    }
  });

  it('is never one that ended before nginx said so', () => {
    const stage = new Stage();
    const worker = new Worker(stage);
    worker.request(1);
    worker.flush();
    for (let i = 0; i < 4; i++) stage.pass(20);
    stage.pass(10);
    worker.error(1, BROKE);
    stage.pass(10);
    expect(stage.outcomes.map(({ failure }) => failure)).to.deep.equal([null]);
    worker.request(1);
    worker.flush();
    for (let i = 0; i < 10; i++) stage.pass(20);
    expect(stage.outcomes.map(({ failure }) => failure)).to.deep.equal([null, 'truncated']);
  });

  it('is not taken for one of another nginx, which counts its connections anew', () => {
    const stage = new Stage();
    const worker = new Worker(stage);
    worker.error(1, 'upstream prematurely closed connection while reading upstream');
    worker.error(2, 'connect() failed (111: Connection refused) while connecting to upstream');
    stage.pass(20);
    stage.follower.nginxEnded();
    worker.request(1);
    worker.request(2);
    worker.flush();
    stage.pass(200);
    stage.pass(200);
    expect(stage.outcomes.map(({ failure }) => failure)).to.deep.equal([null, null]);
  });

  it('is known after a kill between the two logs', () => {
    const stage = new Stage();
    const worker = new Worker(stage);
    worker.error(1, BROKE);
    worker.request(1);
    stage.pass(20);
    stage.begin();
    worker.flush();
    for (let i = 0; i < 10; i++) stage.pass(20);
    expect(stage.outcomes.map(({ failure }) => failure)).to.deep.equal(['truncated']);
  });
});
