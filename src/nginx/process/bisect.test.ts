import { expect } from 'chai';
import fc from 'fast-check';
import { refusedServices } from './bisect.ts';

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `s${i}`);

/** Like nginx: the first bad one is named, and the text has to be there as a whole. */
function nginxRefusing(bad: readonly string[], clashes: readonly (readonly string[])[] = []) {
  const asked: string[][] = [];
  const check = async (subset: readonly string[]): Promise<string | null> => {
    asked.push([...subset]);
    const one = subset.find((name) => bad.includes(name));
    if (one !== undefined) return `bad ${one}`;
    const clash = clashes.find((group) => group.every((name) => subset.includes(name)));
    return clash === undefined ? null : `${clash.join(' and ')} clash`;
  };
  return { check, asked };
}

describe('refused services', () => {
  it('finds one of five thousand with few checks, and its own words', async () => {
    const { check, asked } = nginxRefusing(['s3456']);
    expect([...(await refusedServices(names(5_000), check))]).to.deep.equal([['s3456', 'bad s3456']]);
    expect(asked.length).to.be.at.most(28);
  });

  it('asks about ever fewer: the texts of all checks together are hardly more than four of the whole', async () => {
    for (const bad of ['s0', 's3456', 's4999']) {
      const { check, asked } = nginxRefusing([bad]);
      await refusedServices(names(5_000), check);
      const sizes = asked.map((subset) => subset.length);
      expect(sizes.filter((size) => size > 2_500)).to.deep.equal([5_000, 4_999]);
      expect(sizes.reduce((sum, size) => sum + size, 0)).to.be.at.most(4.01 * 5_000);
    }
  });

  it('finds one that is bad by itself beside two that clash', async () => {
    const { check } = nginxRefusing(['s2'], [['s1', 's6']]);
    const refused = await refusedServices(names(8), check);
    expect(Object.fromEntries(refused)).to.deep.equal({ s2: 'bad s2', s6: 's1 and s6 clash' });
  });

  it('finds several, each with its own words', async () => {
    const { check, asked } = nginxRefusing(['s0', 's77', 's78', 's999']);
    const refused = await refusedServices(names(1_000), check);
    expect(Object.fromEntries(refused)).to.deep.equal({
      s0: 'bad s0',
      s77: 'bad s77',
      s78: 'bad s78',
      s999: 'bad s999',
    });
    expect(asked.length).to.be.at.most(90);
  });

  it('takes one of a pair that only clashes together', async () => {
    const { check } = nginxRefusing([], [['s1', 's6']]);
    const refused = await refusedServices(names(8), check);
    expect(refused.size).to.equal(1);
    expect([...refused.values()]).to.deep.equal(['s1 and s6 clash']);
  });

  it('blames nobody where all pass, or where the text fails without any service', async () => {
    const none = nginxRefusing([]);
    expect((await refusedServices(names(9), none.check)).size).to.equal(0);
    expect(none.asked).to.have.length(1);
    expect((await refusedServices(names(9), async () => 'the disk is full')).size).to.equal(0);
  });

  it('blames nobody for what has passed when all of it is known', async () => {
    const courses = [
      [1, 1],
      [2, 2],
      [9, 1],
      [9, 5],
    ] as const;
    for (const [count, failing] of courses) {
      let asked = 0;
      const check = async (subset: readonly string[]): Promise<string | null> =>
        asked++ < failing && subset.length > 0 ? 'no space left on device' : null;
      expect([count, failing, (await refusedServices(names(count), check)).size]).to.deep.equal([count, failing, 0]);
    }
  });

  it('asks in the order of the configuration', async () => {
    const { check, asked } = nginxRefusing(['s2', 's9']);
    await refusedServices(names(12), check);
    for (const subset of asked) {
      const numbers = subset.map((name) => Number(name.slice(1)));
      expect(numbers).to.deep.equal([...numbers].sort((x, y) => x - y));
    }
  });

  it('refuses what is not known when the checks have run out, and keeps most', async () => {
    const { check, asked } = nginxRefusing(['s3', 's700']);
    const refused = await refusedServices(names(1_000), check, 14);
    expect(asked.length).to.be.at.most(16);
    expect(refused.has('s3') && refused.has('s700')).to.equal(true);
    expect(refused.size).to.be.below(300);
    expect(refused.get('s3')).to.match(/^not looked for further among \d+: bad /);
  });

  it('leaves a text that passes, whatever is bad or clashes', async () => {
    const some = names(24);
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(some, { maxLength: 5 }),
        fc.array(fc.subarray(some, { minLength: 2, maxLength: 3 }), { maxLength: 3 }),
        fc.integer({ min: 2, max: 60 }),
        async (bad, clashes, most) => {
          const { check } = nginxRefusing(bad, clashes);
          const refused = await refusedServices(some, check, most);
          expect(await check(some.filter((name) => !refused.has(name)))).to.equal(null);
          for (const name of bad) expect(refused.has(name)).to.equal(true);
        },
      ),
    );
  });
});
