import { expect } from 'chai';
import { problemsOf } from './house-rules.ts';

const HEAD = '/** What it is. */\n';

describe('house rules', () => {
  for (const [code, what] of [
    ['const now = Date.now();', 'reads the clock'],
    ['const now = new Date();', 'reads the clock'],
    ['if (Math.random() < 0.5) return;', 'draws at random'],
    ['setTimeout(() => {}, 5);', 'sets a timer'],
    ["console.log('x');", 'writes a log'],
    ['const home = process.env.HOME;', 'reads the process'],
  ]) {
    it(`a pure file that holds ${code} is named`, () => {
      expect(problemsOf('src/fallback/x.ts', HEAD + code)).to.deep.equal([`src/fallback/x.ts:2: a pure file ${what}`]);
    });
  }

  it('comments, dates from an argument and shell rooms are free', () => {
    const text = `${HEAD}// Date.now() is an argument here\nconst date = new Date(nowMs); /* Math.random */`;
    expect(problemsOf('src/fallback/x.ts', text)).to.deep.equal([]);
    expect(problemsOf('src/proxy/x.ts', `${HEAD}Date.now();`)).to.deep.equal([]);
  });

  it('a file past 300 lines, or without a head comment, is named; a long test is not', () => {
    const long = HEAD + '\n'.repeat(300);
    expect(problemsOf('src/proxy/x.ts', long)[0]).to.match(/^src\/proxy\/x.ts:301: 301 lines, at most 300/);
    expect(problemsOf('src/proxy/x.test.ts', long)).to.deep.equal([]);
    expect(problemsOf('bench/x.ts', 'export {};')[0]).to.match(/^bench\/x.ts:1: no head comment/);
  });
});
