import { expect } from 'chai';
import { parseExplainQuery } from './explain-query.ts';

describe('the query of explain', () => {
  it('spells out one request', () => {
    expect(parseExplainQuery('header=X-A:%201&header=x-b:c:d&cookie=n%3Dv%3Dw&ip=2001:db8::1&user=u+1')).to.deep.equal({
      value: {
        headers: [
          { name: 'X-A', value: '1' },
          { name: 'x-b', value: 'c:d' },
        ],
        cookies: [{ name: 'n', value: 'v=w' }],
        ip: '2001:db8::1',
        user: 'u 1',
      },
    });
  });

  it('may be empty', () => {
    expect(parseExplainQuery('')).to.deep.equal({ value: { headers: [], cookies: [], ip: null, user: null } });
  });

  it('is refused where it means nothing or could mean two things', () => {
    const wrong = [
      'x=1',
      'header=X-A',
      'header=:1',
      'header=a%20b:1',
      'cookie=n',
      'cookie==v',
      'ip=10.0.0',
      'ip=',
      'ip=fe80::1%25eth0',
    ];
    for (const query of [
      ...wrong,
      'ip=10.0.0.1&ip=10.0.0.2',
      'user=a&user=b',
      'header=a:b%0d%0ac:d',
      'user=a&'.repeat(101),
    ]) {
      expect(parseExplainQuery(query), query).to.have.nested.property('problem.code', 'bad_request');
    }
  });
});
