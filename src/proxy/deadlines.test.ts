import { expect } from 'chai';
import { Deadline, Deadlines } from './deadlines.ts';

describe('proxy/deadlines', () => {
  const setup = () => {
    const fired: string[] = [];
    const deadlines = new Deadlines(() => 0);
    const named = (name: string) =>
      new Deadline({
        onDeadline: () => {
          fired.push(name);
          if (name === 'faulty') throw new Error('a fault of ours');
        },
        onFault: () => fired.push(`fault of ${name}`),
      });
    return { fired, deadlines, named };
  };

  it('fires what is due, in order, once', () => {
    const { fired, deadlines, named } = setup();
    const [a, b, c] = [named('a'), named('b'), named('c')];
    deadlines.arm(a, 100, 0);
    deadlines.arm(b, 100, 50);
    deadlines.arm(c, 30, 0);
    deadlines.tick(29);
    expect(fired).to.deep.equal([]);
    deadlines.tick(30);
    expect(fired).to.deep.equal(['c']);
    deadlines.tick(149);
    deadlines.tick(150);
    deadlines.tick(1000);
    expect(fired).to.deep.equal(['c', 'a', 'b']);
  });

  it('what one owner throws goes to that owner, and the others are fired', () => {
    const { fired, deadlines, named } = setup();
    for (const name of ['a', 'faulty', 'b']) deadlines.arm(named(name), 100, 0);
    deadlines.tick(100);
    expect(fired).to.deep.equal(['a', 'faulty', 'fault of faulty', 'b']);
  });

  it('re-arming moves a deadline, disarming removes it, from any place in the queue', () => {
    const { fired, deadlines, named } = setup();
    const [a, b, c] = [named('a'), named('b'), named('c')];
    for (const d of [a, b, c]) deadlines.arm(d, 100, 0);
    deadlines.disarm(b);
    deadlines.arm(a, 100, 60);
    deadlines.tick(120);
    expect(fired).to.deep.equal(['c']);
    deadlines.tick(160);
    expect(fired).to.deep.equal(['c', 'a']);
    deadlines.disarm(a);
  });

  it('an owner may arm the same deadline again while it fires', () => {
    const deadlines = new Deadlines(() => 0);
    let times = 0;
    const again: Deadline = new Deadline({
      onDeadline: () => {
        times += 1;
        if (times < 3) deadlines.arm(again, 10, times * 10);
      },
      onFault: (error) => {
        throw error;
      },
    });
    deadlines.arm(again, 10, 0);
    for (const now of [10, 20, 30, 40]) deadlines.tick(now);
    expect(times).to.equal(3);
  });
});
