/** 300 edits under load, in every way a file is changed: each live within a second, and not one failed request. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ToyCluster } from '../../src/demo/clusters.ts';
import { editOften, loadOn, swapVolume, threeServices, WAYS } from '../support/edits.ts';
import type { MixedLoad } from '../support/mixed-load.ts';
import { openFiles } from '../support/proc.ts';
import { RunningProxy } from '../support/running-proxy.ts';
import { tempDir } from '../support/temp-dir.ts';

const EDITS = 300;

describe('many edits', function () {
  this.timeout(10 * 60_000);
  let clusters: ToyCluster[];
  let proxy: RunningProxy;
  let loads: MixedLoad[];

  beforeEach(async () => {
    clusters = [await ToyCluster.listen('old'), await ToyCluster.listen('new')];
  });
  afterEach(async () => {
    await Promise.all(loads.map((load) => load.stop()));
    await proxy.stop('SIGKILL');
    await Promise.all(clusters.map((cluster) => cluster.close()));
  });

  const yaml = (shop: number) => {
    const [old, fresh] = clusters;
    return threeServices({ old: old.backend, new: fresh.backend }, { shop, pay: 20, mail: 80 });
  };
  const edited = async (file: string, ways: Parameters<typeof editOften>[2]) => {
    loads = loadOn(proxy.port);
    await editOften(proxy, 20, ways, { file, yaml });
    const pid = proxy.process.child.pid ?? 0;
    const before = openFiles(pid);
    await editOften(proxy, EDITS, ways, { file, yaml });
    // Each load has a few connections to each cluster, which come and go.
    expect(openFiles(pid)).to.be.at.most(before + 12);
    await Promise.all(loads.map((load) => load.stop()));
    expect(loads.flatMap((load) => load.failed)).to.deep.equal([]);
    const status = await proxy.status();
    expect(status.generation).to.equal(EDITS + 21);
    expect(status.config.errors).to.deep.equal([]);
  };

  it('of a file', async () => {
    proxy = await RunningProxy.start(yaml(0));
    await edited(proxy.file, Object.values(WAYS));
  });

  it('of a mounted volume', async () => {
    const file = join(tempDir(), 'migration.yaml');
    symlinkSync('..data/migration.yaml', file);
    swapVolume(file, yaml(0));
    proxy = await RunningProxy.start(null, { flags: ['--local-config', file] });
    await edited(file, [swapVolume]);
  });
});
