/**
 * The ids that nginx gives requests: nobody has one twice, over restarts too, and the draws made on them are even, also for a client
 * that sends its requests in a rhythm. @needs nginx
 */
import { expect } from 'chai';
import { sampleMigration } from '../../src/allocator/sample.test.ts';
import type { ServedMigration } from '../../src/migration/model.ts';
import { NginxTables, type Values } from '../support/nginx-tables.ts';

const REQUESTS = 20_000;
const RHYTHM = 10;
const SHARES_BP = [100, 1_000, 5_000];
const CLASSES = { a: 0.1, b: 0.15, c: 0.25, d: 0.5 };

const services = SHARES_BP.map((shareBp): ServedMigration => {
  const sample = sampleMigration({ name: `s${shareBp}`, shareBp });
  return { migration: { ...sample, old: { ...sample.old, host: `s${shareBp}.test` } }, standing: 'valid' };
});

/** Five standard deviations of the draw. */
function slack(share: number, requests: number): number {
  return 5 * Math.sqrt((share * (1 - share)) / requests);
}

describe('the ids that nginx gives requests', () => {
  let nginx: NginxTables | null = null;
  afterEach(() => nginx?.stop());

  it('are drawn on evenly at 1, 10 and 50 %, whichever of its requests a client looks at', async () => {
    const shares = SHARES_BP.map((bp) => `weight_${bp}`);
    nginx = await NginxTables.start(services, ['own_id', 'probe_class', ...shares]);
    const got: Values[] = [];
    for (let i = 0; i < REQUESTS; i++) got.push(await nginx.ask('s100.test'));
    expect(new Set(got.map((values) => values.own_id)).size).to.equal(REQUESTS);
    const strides = Array.from({ length: RHYTHM }, (_, first) => got.filter((_, i) => i % RHYTHM === first));
    for (const some of [got, ...strides]) {
      for (const bp of SHARES_BP) {
        const drawn = some.filter((values) => values[`weight_${bp}`] === 'new:weight').length / some.length;
        expect(drawn, `${bp} bp`).to.be.closeTo(bp / 10_000, slack(bp / 10_000, some.length));
      }
      for (const [name, share] of Object.entries(CLASSES)) {
        const here = some.filter((values) => values.probe_class === name).length / some.length;
        expect(here, `class ${name}`).to.be.closeTo(share, slack(share, some.length));
      }
    }
  });

  it('are not given again after a restart, and fit into a header that a proxy behind takes over', async () => {
    const ids = new Set<string>();
    for (let life = 0; life < 2; life++) {
      nginx = await NginxTables.start(services, ['own_id']);
      for (let i = 0; i < 50; i++) ids.add((await nginx.ask('s100.test')).own_id);
      await nginx.stop();
    }
    expect(ids.size).to.equal(100);
    for (const id of ids) expect(id).to.match(/^[!#-[\]-~]{1,128}$/);
  });
});
