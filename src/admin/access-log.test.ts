import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SAMPLE_TIME_MS as NOW, sampleRecord } from '../../test/support/status-samples.ts';
import { AccessLog } from './access-log.ts';
import { fileSink, type Sink } from './sink.ts';

/** A reader that takes a batch only when told to. */
class SlowReader {
  readonly batches: string[] = [];
  #done: ((error: Error | null) => void) | null = null;

  readonly sink: Sink = (bytes, done) => {
    expect(this.#done, 'one write at a time').to.equal(null);
    this.batches.push(bytes.toString());
    this.#done = done;
  };

  take(error: Error | null = null): void {
    const done = this.#done!;
    this.#done = null;
    done(error);
  }

  lines(): { event: string; dropped?: number; suppressed?: number }[] {
    return this.batches.flatMap((batch) => batch.trimEnd().split('\n')).map((line) => JSON.parse(line));
  }
}

describe('the access log writer', () => {
  const logs: AccessLog[] = [];
  function open(options: Partial<ConstructorParameters<typeof AccessLog>[0]>): AccessLog {
    const log = new AccessLog({ mode: 'all', nowMs: () => NOW, flushEveryMs: 1_000_000, ...options });
    logs.push(log);
    return log;
  }
  afterEach(() => Promise.all(logs.splice(0).map((log) => log.close(0))));

  it('writes many lines at once, and the next ones when those are written', () => {
    const reader = new SlowReader();
    const log = open({ sink: reader.sink });
    log.request(sampleRecord());
    log.request(sampleRecord());
    log.flush();
    log.request(sampleRecord());
    log.flush();
    expect(reader.batches).to.have.length(1);
    reader.take();
    expect(reader.lines()).to.have.length(3);
    reader.take();
  });

  it('drops lines instead of growing while nobody reads, and tells how many', () => {
    const reader = new SlowReader();
    const log = open({ sink: reader.sink, waitingLimit: 1_000 });
    for (let i = 0; i < 50; i++) log.request(sampleRecord());
    log.flush();
    const [{ dropped }] = reader.lines().filter(({ event }) => event === 'dropped');
    expect(dropped! + reader.lines().filter(({ event }) => event === 'request').length).to.equal(50);
    reader.take();
  });

  it('writes large backlogs in pieces', () => {
    const reader = new SlowReader();
    const log = open({ sink: reader.sink });
    for (let i = 0; i < 1_000; i++) log.request(sampleRecord());
    log.flush();
    expect(reader.batches[0].length).to.be.within(60_000, 70_000);
    while (reader.lines().length < 1_000) reader.take();
    reader.take();
  });

  it('gives up quietly when the pipe is closed', () => {
    const reader = new SlowReader();
    const log = open({ sink: reader.sink });
    log.request(sampleRecord());
    log.flush();
    reader.take(new Error('write EPIPE'));
    log.request(sampleRecord());
    log.flush();
    expect(reader.batches).to.have.length(1);
  });

  it('ends with everything written, suppressed counts too', async () => {
    const reader = new SlowReader();
    const log = open({ mode: 'errors', sink: reader.sink });
    for (let i = 0; i < 105; i++) log.request(sampleRecord({ status: 502, answered: false }));
    const closed = log.close(10_000);
    reader.take();
    await closed;
    expect(reader.lines()).to.have.length(101);
    expect(reader.lines().at(-1)).to.include({ event: 'suppressed', suppressed: 5 });
  });

  it('waits for a stuck reader no longer than it was told', async () => {
    const reader = new SlowReader();
    const log = open({ sink: reader.sink });
    log.request(sampleRecord());
    await log.close(1);
    expect(reader.batches).to.have.length(1);
  });

  it('writes to a file descriptor', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'access-log-'));
    try {
      const file = join(directory, 'log');
      const log = open({ sink: fileSink(openSync(file, 'w')) });
      log.request(sampleRecord());
      log.request(sampleRecord({ service: 'cart' }));
      await log.close(5_000);
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      expect(lines.map((line) => JSON.parse(line).service)).to.deep.equal(['shop', 'cart']);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
