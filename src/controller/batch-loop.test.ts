import { expect } from 'chai';
import { BatchLoop } from './batch-loop.ts';

describe('BatchLoop', () => {
  it('works on one batch at a time, and gathers the rest into the next', async () => {
    const batches: string[][] = [];
    const releases: (() => void)[] = [];
    const loop = new BatchLoop<string>((batch) => {
      batches.push([...batch]);
      return new Promise((resolve) => releases.push(resolve));
    });
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    const first = loop.push('a');
    await settle();
    const rest = [loop.push('b'), loop.push('c'), loop.push('d')];
    await settle();
    expect(batches).to.deep.equal([['a']]);
    releases[0]();
    await first;
    await settle();
    expect(batches).to.deep.equal([['a'], ['b', 'c', 'd']]);
    releases[1]();
    await Promise.all(rest);
  });

  it('goes on after work that failed, and tells those who waited for it', async () => {
    let calls = 0;
    const loop = new BatchLoop<number>(async (batch) => {
      calls++;
      if (batch.includes(1)) throw new Error('broken');
    });
    const failed = await loop.push(1).catch((error: Error) => error.message);
    expect(failed).to.equal('broken');
    await loop.push(2);
    expect(calls).to.equal(2);
  });
});
