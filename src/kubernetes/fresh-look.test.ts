import { expect } from 'chai';
import { VirtualTime } from '../../test/support/virtual-time.ts';
import { FreshLook } from './fresh-look.ts';

describe('FreshLook', () => {
  let time: VirtualTime;
  let looks: ((error?: Error) => void)[];
  let fresh: FreshLook;

  beforeEach(() => {
    time = new VirtualTime();
    looks = [];
    const look = () =>
      new Promise<void>((resolve, reject) => {
        looks.push((error) => (error === undefined ? resolve() : reject(error)));
      });
    fresh = new FreshLook({ look, now: time.now, setTimer: time.setTimer });
  });

  it('is one for all who ask at once, and again only after a second', async () => {
    const asked = [fresh.take(), fresh.take()];
    looks[0]();
    await Promise.all(asked);
    await fresh.take();
    expect(looks).to.have.length(1);
    await time.pass(1_000);
    const again = fresh.take();
    expect(looks).to.have.length(2);
    looks[1]();
    await again;
  });

  it('keeps nobody waiting for longer than a second, and goes on by itself', async () => {
    let isAnswered = false;
    void fresh.take().then(() => {
      isAnswered = true;
    });
    await time.pass(999);
    expect(isAnswered).to.equal(false);
    await time.pass(1);
    expect(isAnswered).to.equal(true);
    const second = fresh.take();
    expect(looks).to.have.length(1);
    looks[0]();
    await second;
  });

  it('that fails is as none', async () => {
    const asked = fresh.take();
    looks[0](new Error('no answer'));
    await asked;
    await time.pass(1_000);
    void fresh.take();
    expect(looks).to.have.length(2);
  });
});
