import { expect } from 'chai';
import { inSlices, jsonTexts } from './in-slices.ts';

describe('admin/in-slices', () => {
  it('makes the same JSON as in one go', async () => {
    const items = [{ a: 1 }, { b: 'ü "quoted"' }, null];
    for (const head of [{}, { version: '1', nested: { x: [] } }]) {
      for (const services of [items, [], items.slice(0, 1)]) {
        const json = (await inSlices(jsonTexts(head, 'services', services))).toString();
        expect(json).to.equal(JSON.stringify({ ...head, services }));
      }
    }
  });

  it('lets others have their turn meanwhile', async () => {
    let turns = 0;
    const count = setInterval(() => turns++, 0);
    function* slow(): Generator<string> {
      for (let i = 0; i < 10; i++) {
        const endMs = performance.now() + 5;
        while (performance.now() < endMs);
        yield 'x'.repeat(20_000);
      }
    }
    const bytes = await inSlices(slow());
    clearInterval(count);
    expect(bytes).to.have.length(200_000);
    expect(turns).to.be.at.least(5);
  });

  it('fails as what makes the texts does', async () => {
    function* broken(): Generator<string> {
      yield 'a';
      throw new Error('no such service');
    }
    const failed = await inSlices(broken()).catch((error: Error) => error.message);
    expect(failed).to.equal('no such service');
  });
});
