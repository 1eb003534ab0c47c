/**
 * People edit the configuration while traffic flows: in every way that files are changed, with every slip of the pen.
 * What was good goes on, what is right is live within a second, and no request notices.
 * @calm
 */
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ToyCluster } from '../../src/demo/clusters.ts';
import { runCli } from '../support/cli.ts';
import { editOften, hostOf, loadOn, NAMES, type Name, swapVolume, threeServices, WAYS } from '../support/edits.ts';
import { eventually } from '../support/eventually.ts';
import { clusterOf } from '../support/kept-connection.ts';
import type { MixedLoad } from '../support/mixed-load.ts';
import { ask } from '../support/raw-client.ts';
import { type ProxyOptions, RunningProxy } from '../support/running-proxy.ts';
import { tempDir } from '../support/temp-dir.ts';

describe('edits under load', function () {
  this.timeout(40_000);
  let old: ToyCluster;
  let fresh: ToyCluster;
  let proxy: RunningProxy;
  let loads: MixedLoad[];

  before(async () => {
    [old, fresh] = [await ToyCluster.listen('old'), await ToyCluster.listen('new')];
  });
  after(() => Promise.all([old.close(), fresh.close()]));
  afterEach(async () => {
    await Promise.all(loads.map((load) => load.stop()));
    await proxy.stop('SIGKILL');
  });

  const yaml = (changes: Partial<Record<Name, number | string>> = {}) =>
    threeServices({ old: old.backend, new: fresh.backend }, { shop: 0, pay: 0, mail: 0, ...changes });
  const start = async (text: string | null, options: ProxyOptions = {}) => {
    proxy = await RunningProxy.start(text, options);
    loads = loadOn(proxy.port);
  };
  const clusters = async () => {
    const answers = await Promise.all(NAMES.map((name) => ask(proxy.port, { host: hostOf(name) })));
    return answers.map(clusterOf);
  };
  const nobodyNoticed = async () => {
    await eventually('each service was asked', () => loads.every((load) => load.sent.length > 30));
    await Promise.all(loads.map((load) => load.stop()));
    expect(loads.flatMap((load) => load.failed)).to.deep.equal([]);
  };

  it('50 edits, in every way a file is changed, and not one failed request', async () => {
    await start(yaml());
    await editOften(proxy, 50, Object.values(WAYS), { file: proxy.file, yaml: (shop) => yaml({ shop }) });
    await nobodyNoticed();
    const { config, generation, services } = await proxy.status();
    expect(config.errors).to.deep.equal([]);
    expect(generation).to.equal(51);
    expect(services.map(({ name }) => name)).to.have.members(NAMES);
    for (const service of services) expect(service).to.include({ state: 'steady', stale: false });
  });

  it('20 swaps of a mounted volume', async () => {
    const directory = tempDir();
    const file = join(directory, 'migration.yaml');
    symlinkSync('..data/migration.yaml', file);
    swapVolume(file, yaml());
    await start(null, { flags: ['--local-config', file] });
    await editOften(proxy, 20, [swapVolume], { file, yaml: (shop) => yaml({ shop }) });
    await nobodyNoticed();
    expect((await proxy.status()).generation).to.equal(21);
  });

  describe('slips of the pen', () => {
    /** What is written for `pay`, and what is said of it. */
    const slips: readonly [what: string, percentage: string, code: string, path: string, says: RegExp][] = [
      ['a word for a number', 'lots', 'wrong_type', 'services[1].migration.percentage', /20/],
      ['a number out of range', '120', 'bad_value', 'services[1].migration.percentage', /0 to 100/],
      ['an unknown key', '5, stratgy: user', 'unknown_key', 'services[1].migration.stratgy', /did you mean strategy\?/],
      ['a key twice', '5, percentage: 6', 'duplicate_key', 'services[1].migration.percentage', /./],
    ];

    for (const [what, written, code, path, says] of slips) {
      it(`${what}: the others follow, pay stays as it was, and the place is named`, async () => {
        await start(yaml({ pay: 100 }));
        const text = yaml({ shop: 100, pay: written, mail: 100 });
        proxy.edit(text);
        await eventually('the others follow', async () => (await clusters()).join() === 'new,new,new', 1_000);
        const { config, services } = await proxy.status();
        expect(services.map(({ percentage, stale }) => [percentage, stale])).to.deep.equal([
          [100, false],
          [100, true],
          [100, false],
        ]);
        const line = text.split('\n').findIndex((one) => one.endsWith('# pay')) + 1;
        expect(config.errors).to.have.length(1);
        expect(config.errors[0]).to.include({ code, service: 'pay', file: proxy.file, line, path });
        expect(config.errors[0].message).to.match(says);
        const place = `${proxy.file}:${line}:${config.errors[0].column}: ${path}: `;
        expect(proxy.process.stderr).to.include(JSON.stringify(place).slice(1, -1));
        const validated = await runCli(['validate', proxy.file]);
        expect(validated.code).to.equal(1);
        expect(validated.stdout).to.include(place);
        proxy.edit(yaml());
        await eventually('all is well again', async () => (await clusters()).join() === 'old,old,old', 1_000);
        expect((await proxy.status()).config.errors).to.deep.equal([]);
        await nobodyNoticed();
      });
    }

    it('no YAML, an empty file, no file: everything stays as it was, and it is said', async () => {
      await start(yaml({ shop: 100 }));
      const errors = async () => (await proxy.status()).config.errors.map(({ code }) => code).join();
      for (const [text, code] of [
        ['services: [', 'syntax'],
        ['', 'empty'],
        [null, 'unreadable'],
      ] as const) {
        if (text === null) rmSync(proxy.file);
        else proxy.edit(text);
        await eventually(`error ${code}`, async () => (await errors()) === code, 2_000);
        expect(await clusters()).to.deep.equal(['new', 'old', 'old']);
        expect((await proxy.status()).services.map(({ stale }) => stale)).to.deep.equal([true, true, true]);
      }
      proxy.edit(yaml({ shop: 100, mail: 100 }));
      await eventually('all is well again', async () => (await clusters()).join() === 'new,old,new', 1_000);
      expect(await errors()).to.equal('');
      await nobodyNoticed();
    });
  });

  it('a restart with a broken file serves what was last good, and says so', async () => {
    await start(yaml({ shop: 100, pay: 100 }));
    const kept = join(proxy.directory, 'state', 'last-good.json');
    proxy.edit(yaml({ shop: 100, pay: 'lots', mail: 100 }));
    await eventually('it is live', async () => (await clusters()).join() === 'new,new,new', 1_000);
    await eventually('it is kept', () => JSON.parse(readFileSync(kept, 'utf8')));
    await nobodyNoticed();
    expect((await proxy.stop()).code).to.equal(0);
    writeFileSync(proxy.file, 'services: [');
    await start(null, { after: proxy });
    expect(await clusters()).to.deep.equal(['new', 'new', 'new']);
    const { config, ready, services } = await proxy.status();
    expect(ready).to.equal(true);
    expect(config).to.include({ loaded_from: 'last_good' });
    expect(config.errors[0]).to.include({ code: 'syntax', file: proxy.file, line: 1 });
    expect(services.map(({ stale }) => stale)).to.deep.equal([true, true, true]);
    const shown = await runCli(['status', '--admin', proxy.admin]);
    expect(shown.code).to.equal(1);
    expect(shown.stdout).to.include('serving the last good configuration');
    proxy.edit(yaml({ mail: 100 }));
    await eventually('the source again', async () => (await clusters()).join() === 'old,old,new', 1_000);
    expect((await proxy.status()).config).to.deep.include({ loaded_from: 'source', errors: [] });
    await nobodyNoticed();
  });

  it('a service that was never right is served by old alone', async () => {
    await start(yaml({ shop: 100, pay: 'lots' }));
    expect(await clusters()).to.deep.equal(['new', 'old', 'old']);
    expect(await proxy.service('pay')).to.include({ invalid: true, stale: false });
    await nobodyNoticed();
  });
});
