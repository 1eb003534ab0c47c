import { Agent, request } from 'node:http';
import { expect } from 'chai';
import { type Fault, ToyCluster } from './clusters.ts';
import { listenForSwitches } from './switches.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly servedBy: string | undefined;
}

function ask(
  port: number,
  { method = 'GET', path = '/', waitMs = 200, agent = undefined as Agent | undefined } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', method, path, agent: agent ?? false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.once('error', reject);
      response.once('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          body,
          servedBy: response.headers['x-served-by'] as string | undefined,
        });
      });
    });
    asked.setTimeout(waitMs, () => asked.destroy(new Error('silence')));
    asked.once('error', reject).end();
  });
}

const whatCame = (port: number, agent?: Agent): Promise<string> =>
  ask(port, { agent }).then(
    ({ status }) => `${status}`,
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );

describe('a toy cluster', () => {
  let cluster: ToyCluster;
  beforeEach(async () => {
    cluster = await ToyCluster.listen('new', { slowMs: 60 });
  });
  afterEach(() => cluster.close());

  it('says who it is', async () => {
    const { status, body, servedBy } = await ask(cluster.port, { path: '/a' });
    expect([status, servedBy]).to.deep.equal([200, 'new']);
    expect(JSON.parse(body)).to.deep.equal({ cluster: 'new', method: 'GET', path: '/a', user: null });
    expect(cluster.requests).to.equal(1);
  });

  const faults: readonly (readonly [Fault, string])[] = [
    ['refuse', 'ECONNREFUSED'],
    ['silent', 'silence'],
    ['503', '503'],
    ['slow', '200'],
    ['reset', 'ECONNRESET'],
    ['truncate', 'ECONNRESET'],
  ];
  for (const [fault, seen] of faults) {
    it(`${fault}: a client sees ${seen}, on a kept connection too, and after healing 200`, async () => {
      const agent = new Agent({ keepAlive: true });
      expect(await whatCame(cluster.port, agent)).to.equal('200');
      await cluster.break(fault);
      // A kept connection whose listener went away is reset, or the next connect is refused.
      expect(await whatCame(cluster.port, agent)).to.be.oneOf(
        fault === 'refuse' ? ['ECONNREFUSED', 'ECONNRESET'] : [seen],
      );
      expect(await whatCame(cluster.port)).to.equal(seen);
      await cluster.heal();
      expect(await whatCame(cluster.port)).to.equal('200');
      agent.destroy();
    });
  }

  it('slow means slow', async () => {
    await cluster.break('slow');
    const before = performance.now();
    await ask(cluster.port);
    expect(performance.now() - before).to.be.at.least(55);
  });

  it('goes from one fault to another', async () => {
    for (const [fault, seen] of [...faults, ...[...faults].reverse()]) {
      await cluster.break(fault);
      expect(await whatCame(cluster.port)).to.equal(seen);
    }
  });

  it('is switched over HTTP, and a wrong word is answered with the right ones', async () => {
    const lines: string[] = [];
    const switches = await listenForSwitches(0, [cluster], (line) => lines.push(line));
    const { port } = switches.address() as { port: number };
    const post = (path: string): Promise<Answer> => ask(port, { method: 'POST', path });
    try {
      expect((await post('/new/break?how=503')).status).to.equal(200);
      expect(await whatCame(cluster.port)).to.equal('503');
      expect((await ask(port)).body).to.match(/^new: broken: answers 503/);
      expect((await post('/new/heal')).body).to.equal('new: healthy\n');
      expect(lines).to.deep.equal(['new: broken: answers 503 at once', 'new: healthy']);
      expect((await post('/new/break?how=softly')).body).to.match(/refuse\|silent/);
      expect((await post('/newer/heal')).status).to.equal(404);
      expect((await ask(port, { path: '/new/break' })).status).to.equal(405);
    } finally {
      switches.close();
    }
  });
});
