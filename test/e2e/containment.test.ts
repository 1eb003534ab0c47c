/** A fault of ours, wherever it strikes: the connection that met it ends, everybody else goes on, and it is told. */
import { expect } from 'chai';
import type { DataPlaneObserver } from '../../src/status/data-plane.ts';
import { Direct, HOST } from '../support/direct.ts';
import { eventually } from '../support/eventually.ts';
import { type Ask, requestBytes } from '../support/raw-client.ts';
import { OK, type Script } from '../support/recorder.ts';

const silent: Script = ({ request }) => (request.startLine.includes('/healthy') ? OK : null);

/** Where it strikes, which call of the observer throws, and the request that leads there. */
const PLACES: [place: string, faulty: keyof DataPlaneObserver, script: Script | string, request: Ask][] = [
  ['reading a request', 'untrustedForwarder', OK, { headers: { 'X-Forwarded-For': '10.9.9.9' } }],
  ['refusing a request', 'refused', OK, { host: 'nobody.example' }],
  ['reading an answer', 'attempt', OK, {}],
  ['a time limit', 'attempt', silent, {}],
  ['the end of a request', 'request', OK, {}],
];

describe('containment', () => {
  let direct: Direct;
  afterEach(() => direct.stop());

  const start = async (script: Script | string, faulty: keyof DataPlaneObserver): Promise<unknown[]> => {
    const faults: unknown[] = [];
    let broken = true;
    const observer: DataPlaneObserver = { attempt() {}, request() {}, refused() {}, untrustedForwarder() {} };
    observer[faulty] = () => {
      if (broken) throw new Error('a fault of ours');
    };
    direct = await Direct.start({
      new: script,
      migration: { timeoutMs: 150 },
      plane: {
        observer,
        onFault: (error) => {
          faults.push(error);
          broken = false;
        },
        lookup: async () => {
          throw new Error('no such name');
        },
      },
    });
    return faults;
  };

  for (const [place, faulty, script, request] of PLACES) {
    it(`in ${place}`, async () => {
      const faults = await start(script, faulty);
      const client = await direct.client();
      client.send(requestBytes({ host: HOST, ...request }));
      await client.closed();
      expect(faults.map(String)).to.deep.equal(['Error: a fault of ours']);
      expect((await direct.ask({ path: '/healthy' })).status).to.equal(200);
      await eventually('nothing is held', () => {
        const { client: clients, new: backends } = direct.plane.connections();
        return clients === 0 && backends <= 1;
      });
    });
  }

  it('in a look-up of a name', async () => {
    const faults = await start(OK, 'attempt');
    const healthy = direct.migration();
    direct.apply({ ...healthy, new: { ...healthy.new, address: 'gone.test' } });
    const client = await direct.client();
    client.send(requestBytes({ host: HOST }));
    await client.closed();
    expect(faults.length).to.equal(1);
    direct.apply(healthy);
    expect((await direct.ask()).status).to.equal(200);
  });

  it('in a connection to a backend that breaks', async () => {
    const faults = await start(({ request, socket }) => {
      if (request.startLine.includes('/healthy')) return OK;
      socket.resetAndDestroy();
      return null;
    }, 'attempt');
    const client = await direct.client();
    client.send(requestBytes({ host: HOST }));
    await client.closed();
    expect(faults.length).to.equal(1);
    expect((await direct.ask({ path: '/healthy' })).status).to.equal(200);
  });

  it('the probing slot of a request that met a fault is free again', async () => {
    const faults = await start(OK, 'attempt');
    direct.setRunState({ state: 'probing', admission: 'one', methods: 'replayable', admitBp: 0 });
    const client = await direct.client();
    client.send(requestBytes({ host: HOST }));
    await client.closed();
    expect(faults.length).to.equal(1);
    await direct.ask();
    expect(direct.new.requests.length).to.equal(2);
  });
});
