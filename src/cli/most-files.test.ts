/** What Linux says of open files, read. */
import { expect } from 'chai';
import { mostFilesIn } from './most-files.ts';

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max core file size        0                    unlimited            bytes
Max open files            1024                 20000                files
`;
const status = (capabilities: string): string => `Name:\tnode\nCapEff:\t${capabilities}\nCapBnd:\t000001ffffffffff\n`;
const words = { limits: LIMITS, status: status('0000000000000000'), most: '1048576\n' };

describe('the most files that nginx may open', () => {
  it('are the hard limit of this process', () => {
    expect(mostFilesIn(words)).to.equal(20_000);
  });

  it('are those of any process where it may raise its limit, or has none', () => {
    expect(mostFilesIn({ ...words, status: status('000001ffffffffff') })).to.equal(1_048_576);
    expect(mostFilesIn({ ...words, limits: LIMITS.replace('20000', 'unlimited') })).to.equal(1_048_576);
  });

  it('are the hard limit where all but that may be done', () => {
    expect(mostFilesIn({ ...words, status: status('000001fffeffffff') })).to.equal(20_000);
  });

  it('are not known where the system says nothing', () => {
    expect(mostFilesIn({ ...words, limits: '' })).to.equal(null);
    expect(mostFilesIn({ ...words, most: '' })).to.equal(null);
  });
});
