import type { LookupFunction } from 'node:net';
import { expect } from 'chai';
import { sharedLookup } from './shared-lookup.ts';

describe('checks/shared-lookup', () => {
  it('asks once for all that wait for the same name, and anew for who comes later', () => {
    const asked: string[] = [];
    const pending: Parameters<LookupFunction>[2][] = [];
    const lookup = sharedLookup((hostname, _options, answer) => {
      asked.push(hostname);
      pending.push(answer);
    });
    const told: string[] = [];
    const ask = (who: string, name: string, options = {}) =>
      lookup(name, options, (error, address) => told.push(`${who} ${error?.message ?? address}`));
    for (let i = 0; i < 1000; i++) ask(`${i}`, 'gateway');
    ask('other', 'elsewhere');
    ask('all', 'gateway', { all: true });
    expect(asked).to.deep.equal(['gateway', 'elsewhere', 'gateway']);
    pending[0](null, '10.0.0.1', 4);
    expect(told).to.have.length(1000);
    expect(told[999]).to.equal('999 10.0.0.1');
    ask('late', 'gateway');
    expect(asked).to.have.length(4);
    pending[3](new Error('ENOTFOUND'), '');
    expect(told.at(-1)).to.equal('late ENOTFOUND');
  });
});
