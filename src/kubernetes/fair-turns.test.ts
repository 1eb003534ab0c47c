import { expect } from 'chai';
import fc from 'fast-check';
import { FairTurns } from './fair-turns.ts';

const waiting = (namespace: string, turn = -1) => ({ namespace, turn });

describe('fair turns', () => {
  it('takes of each namespace in turn, first what was read longest ago', () => {
    const turns = new FairTurns();
    expect([turns.take('a'), turns.take('b')]).to.deep.equal([0, 1]);
    const order = turns.inOrder([waiting('b', 1), waiting('a', 0), waiting('a'), waiting('c'), waiting('a', -1)]);
    expect(order.map(({ namespace, turn }) => `${namespace} ${turn}`)).to.deep.equal([
      'c -1',
      'a -1',
      'b 1',
      'a -1',
      'a 0',
    ]);
  });

  it('forgets namespaces that are gone', () => {
    const turns = new FairTurns();
    turns.take('a');
    turns.take('b');
    turns.retain(new Set(['b']));
    expect(turns.inOrder([waiting('b'), waiting('a')]).map(({ namespace }) => namespace)).to.deep.equal(['a', 'b']);
  });

  it('whoever comes is read before any other namespace is read twice, whatever they bring', () => {
    const namespaces = fc.constantFrom('a', 'b', 'c', 'd');
    const before = fc.array(namespaces, { maxLength: 20 });
    // What the others bring anew before each read.
    const brought = fc.array(fc.array(namespaces, { maxLength: 5 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(before, brought, (readBefore, rounds) => {
        const turns = new FairTurns();
        for (const namespace of readBefore) turns.take(namespace);
        const queue = [waiting('mine')];
        const readOf: string[] = [];
        for (const round of [...rounds, [], [], [], [], []]) {
          queue.push(...round.map((namespace) => waiting(namespace)));
          const [first] = turns.inOrder(queue);
          if (first === undefined) break;
          queue.splice(queue.indexOf(first), 1);
          turns.take(first.namespace);
          if (first.namespace === 'mine') return new Set(readOf).size === readOf.length;
          readOf.push(first.namespace);
        }
        return false;
      }),
    );
  });
});
