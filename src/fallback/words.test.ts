import { expect } from 'chai';
import { durationText, failureText } from './words.ts';

describe('fallback/words', () => {
  const rows: readonly [number, string][] = [
    [-5, '0 ms'],
    [3, '3 ms'],
    [350, '350 ms'],
    [2100, '2.1 s'],
    [5000, '5 s'],
    [60_000, '60 s'],
    [300_000, '5 min'],
    [7_200_000, '2 h'],
    [3 * 86_400_000, '3 d'],
  ];
  for (const [ms, text] of rows) it(`${ms} ms is ${text}`, () => expect(durationText(ms)).to.equal(text));

  it('names the cause as people do', () => {
    expect(failureText('connect', 'connect ECONNREFUSED 127.0.0.1:81')).to.equal('connect refused');
    expect(failureText('timeout', '')).to.equal('no answer in time');
    expect(failureText('tls', 'tls CERT_HAS_EXPIRED')).to.equal('tls CERT_HAS_EXPIRED');
  });
});
