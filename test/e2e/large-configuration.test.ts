/**
 * A configuration of thousands of services is edited while traffic flows: the edit is live, and no request waits for it.
 * @calm
 */
import { expect } from 'chai';
import { readSource } from '../../src/migration/parse.ts';
import { eventually } from '../support/eventually.ts';
import { manyServices } from '../support/many-services.ts';
import { RawClient, requestBytes } from '../support/raw-client.ts';
import { Recorder } from '../support/recorder.ts';
import { RunningProxy } from '../support/running-proxy.ts';

const SERVICES = 5_000;

function configuration(port: number, percentage: number): string {
  const backend = `127.0.0.1:${port}`;
  return manyServices({
    count: SERVICES,
    backends: () => ({ old: backend, new: backend }),
    percentages: { 4321: percentage },
  });
}

describe('a configuration of 5 000 services', () => {
  it('is edited under traffic without a request that waits for the reading of it', async () => {
    const backend = await Recorder.listen();
    const proxy = await RunningProxy.start(configuration(backend.port, 20));
    const client = await RawClient.connect(proxy.port);
    let slowestMs = 0;
    let stop = false;
    const traffic = (async () => {
      while (!stop) {
        const startedMs = performance.now();
        client.send(requestBytes({ host: 'svc-1.old.example' }));
        expect((await client.response()).status).to.equal(200);
        slowestMs = Math.max(slowestMs, performance.now() - startedMs);
      }
    })();
    proxy.edit(configuration(backend.port, 35));
    await eventually('the edit is live', async () => (await proxy.service('svc-4321')).percentage === 35, 10_000);
    stop = true;
    await traffic;
    client.destroy();
    await proxy.stop();
    await backend.close();
    // On whatever machine: shorter than reading the text once, which a proxy that reads on its traffic's thread does twice.
    const startedMs = performance.now();
    readSource({ file: 'migration.yaml', text: configuration(backend.port, 35), kind: 'file' });
    expect(slowestMs).to.be.lessThan(performance.now() - startedMs);
  }).timeout(60_000);
});
