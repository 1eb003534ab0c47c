import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { tempDir } from '../../test/support/temp-dir.ts';
import { lastSeconds, longestFirst, rememberSeconds } from './last-seconds.ts';
import { unrunnable } from './run-suite.ts';
import type { Suite } from './suites.ts';

describe('the order of suites', () => {
  const suite = (name: string): Suite => {
    return { name, run: { kind: 'node', args: [] }, company: 'many', needs: [], limitMs: 20_000 };
  };
  const [a, b, c] = ['a', 'b', 'c'].map(suite);
  const took = (of: Suite, seconds: number, outcome: 'passed' | 'failed' = 'passed') => {
    return { ...unrunnable(of, '', 'skipped'), seconds, outcome };
  };

  const inOrder = (suites: readonly Suite[], file: string) => longestFirst(suites, lastSeconds(file));

  it('is that of their list where none has run before', () => {
    expect(inOrder([a, b, c], join(tempDir(), 'none', 'x.json'))).to.deep.equal([a, b, c]);
  });

  it('begins with what took longest last time; what never passed counts as long', () => {
    const file = join(tempDir(), 'deep', 'x.json');
    rememberSeconds([took(a, 1), took(b, 10), took(c, 5, 'failed')], file);
    expect(inOrder([a, b, c], file)).to.deep.equal([c, b, a]);
    rememberSeconds([took(c, 0.5)], file);
    expect(inOrder([a, b, c], file), 'others keep what was known').to.deep.equal([b, a, c]);
  });

  it('survives a file that is no JSON', () => {
    const file = join(tempDir(), 'x.json');
    writeFileSync(file, '{');
    expect(inOrder([a, b], file)).to.deep.equal([a, b]);
  });
});
