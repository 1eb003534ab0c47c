import { expect } from 'chai';
import { parseHistoryQuery } from './history-query.ts';

describe('the query of the history', () => {
  it('may name a service and a limit', () => {
    expect(parseHistoryQuery('')).to.deep.equal({ value: { service: null, limit: 200 } });
    expect(parseHistoryQuery('service=shop&limit=3')).to.deep.equal({ value: { service: 'shop', limit: 3 } });
  });

  for (const query of ['limit=0', 'limit=201', 'limit=-1', 'limit=1e2', 'limit=', 'limit=1&limit=2', 'servise=shop']) {
    it(`refuses ${query}`, () =>
      expect(parseHistoryQuery(query)).to.have.nested.property('problem.code', 'bad_request'));
  }
});
