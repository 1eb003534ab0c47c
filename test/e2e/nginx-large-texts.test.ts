/**
 * Texts so large that nginx is not asked before they are tried: one bad line among thousands is refused in nginx's words
 * while what serves serves on, and an end of ours is not held up by a load that takes long.
 * @needs nginx
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Candidate, Installed } from '../../src/nginx/process/candidate.ts';
import { eventually } from '../support/eventually.ts';
import { freePort, freePorts } from '../support/ports.ts';
import { NginxBench, needsNginx, oddNginx, smallText, wordAt } from '../support/small-nginx.ts';

const ROWS = 12_000;
const bench = new NginxBench();

/** More than 3 MiB: rows of a table, with `line` in their midst. */
function largeText(directory: string, port: number, word: string, line = ''): Candidate {
  const rows = Array.from({ length: ROWS }, (_, i) => `    "key-${i}-${'x'.repeat(250)}" "value of ${i}";`);
  rows.splice(ROWS / 2, 0, line);
  const sizes = 'map_hash_max_size 262144; map_hash_bucket_size 512;';
  return smallText(directory, { port, word, http: `${sizes}\n  map $uri $large {\n${rows.join('\n')}\n  }` });
}

function refusal(installed: Installed): { readonly stage: string; readonly message: string } {
  if (installed.ok) throw new Error('it was installed');
  return installed;
}

/** A program that notes each `nginx -t`; `lines` come first. */
function notingChecks(directory: string, lines = ''): { readonly program: string; readonly checks: () => number } {
  const notes = join(directory, 'checks');
  return {
    program: oddNginx(`${lines}\n[ "$1" = -t ] && echo check >> ${notes}`),
    checks: () => (existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n').length : 0),
  };
}

describe('a large text for nginx', function () {
  this.timeout(60_000);
  before(function () {
    needsNginx(this);
  });
  afterEach(() => bench.end());

  it('is loaded once where it is good, at a start and at a reload', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { program, checks } = notingChecks(directory);
    const { nginx } = bench.make(directory, { nginx: program });
    expect(await nginx.install(largeText(directory, port, 'one'))).to.deep.equal({ ok: true });
    expect(await nginx.install(largeText(directory, port, 'two'))).to.deep.equal({ ok: true });
    await eventually('two', async () => (await wordAt(port)) === 'two');
    expect(checks()).to.equal(0);
    expect(await nginx.install(smallText(directory, { port, word: 'small' }))).to.deep.equal({ ok: true });
    expect(checks()).to.equal(1);
  });

  it("with one bad line is refused in nginx's words, and what serves serves on", async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { program, checks } = notingChecks(directory);
    const { nginx } = bench.make(directory, { nginx: program });
    const good = largeText(directory, port, 'good');
    await nginx.install(good);
    const pid = nginx.pid();
    const { stage, message } = refusal(await nginx.install(largeText(directory, port, 'bad', '"no value";')));
    expect([stage, checks()], message).to.deep.equal(['check', 1]);
    expect(message).to.match(/^invalid number of the map parameters in .*\/nginx\.conf:\d+$/);
    expect(message).to.contain(`in ${directory}/nginx.conf:`);
    expect([nginx.pid(), nginx.runningToken(), await wordAt(port)]).to.deep.equal([pid, good.token, 'good']);
    expect(readFileSync(join(directory, 'nginx.conf'), 'utf8') === good.text).to.equal(true);
    expect(await nginx.install(largeText(directory, port, 'better'))).to.deep.equal({ ok: true });
    await eventually('better', async () => (await wordAt(port)) === 'better');
    expect(nginx.pid()).to.equal(pid);
  });

  it('may be the first one: a bad one starts nothing, the next one serves', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory);
    const { stage, message } = refusal(await nginx.install(largeText(directory, port, 'bad', 'a b c d;')));
    expect(stage, message).to.equal('check');
    expect(message).to.contain(`in ${directory}/nginx.conf:`);
    expect([nginx.runningToken(), existsSync(join(directory, 'nginx.conf'))]).to.deep.equal([null, false]);
    expect(await nginx.install(largeText(directory, port, 'good'))).to.deep.equal({ ok: true });
    expect(await wordAt(port)).to.equal('good');
  });

  it('is not blamed for a port that another process has', async () => {
    const [directory, elsewhere] = [bench.directory(), bench.directory()];
    const [port, taken] = await freePorts(2);
    await bench.make(elsewhere).nginx.install(smallText(elsewhere, { port: taken, word: 'other' }));
    const { nginx } = bench.make(directory);
    await nginx.install(largeText(directory, port, 'good'));
    const { stage, message } = refusal(await nginx.install(largeText(directory, taken, 'moved')));
    expect(stage).to.equal('reload');
    expect(message).to.contain(`bind() to 127.0.0.1:${taken} failed`);
    expect(await wordAt(port)).to.equal('good');
  });

  it('that nginx died before is checked first: the last good one is brought back at once where it is bad', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { program, checks } = notingChecks(directory);
    const { nginx, events } = bench.make(directory, { nginx: program });
    await nginx.install(largeText(directory, port, 'good'));
    process.kill(-(nginx.pid() as number), 'SIGKILL');
    await eventually('it is gone', () => nginx.runningToken() === null);
    const { stage } = refusal(await nginx.install(largeText(directory, port, 'bad', '"no value";')));
    expect([stage, checks()]).to.deep.equal(['check', 1]);
    await eventually('a restart', () => events.some(({ kind }) => kind === 'restarted'));
    expect(await wordAt(port)).to.equal('good');
  });

  it('that hangs in its check holds up no end of ours', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { program } = notingChecks(directory, `[ "$1" = -t ] && touch ${directory}/asked && exec sleep 3600`);
    const { nginx } = bench.make(directory, { nginx: program });
    const installing = nginx.install(smallText(directory, { port, word: 'x' }));
    await eventually('it is asked', () => existsSync(join(directory, 'asked')));
    await nginx.stop(0);
    expect(refusal(await installing).message).to.contain('nginx is being stopped');
    expect(existsSync(join(directory, 'scratch'))).to.equal(false);
  });
});
