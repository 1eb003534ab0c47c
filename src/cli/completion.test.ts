import { expect } from 'chai';
import { completionsOf } from './completion.ts';
import { buildProgram } from './program.ts';

describe('completion', () => {
  const complete = (...words: string[]) => completionsOf(buildProgram(), words);

  it('offers commands, without the hidden one', () => {
    expect(complete('').words).to.include.members(['run', 'status', 'update', 'completion', 'demo', 'version']);
    expect(complete('').words).not.to.include('__complete');
    expect(complete('st').words).to.deep.equal(['status']);
  });

  it('offers flags of the command, and values of flags that have a few', () => {
    expect(complete('run', '--admin-').words).to.deep.equal(['--admin-listen', '--admin-token-file']);
    expect(complete('status', '-o', '').words).to.deep.equal(['table', 'json', 'yaml']);
    expect(complete('run', '--access-log', 'e').words).to.deep.equal(['errors']);
    expect(complete('completion', 'f').words).to.deep.equal(['fish']);
  });

  it('asks for services and files where those are wanted', () => {
    expect(complete('update', 'a')).to.deep.equal({ words: [], also: 'services' });
    expect(complete('abort', '--reason', 'why', '')).to.deep.equal({ words: [], also: 'services' });
    expect(complete('history', '')).to.deep.equal({ words: [], also: 'services' });
    expect(complete('validate', 'one.yaml', '')).to.deep.equal({ words: [], also: 'files' });
    expect(complete('run', '--local-config', '')).to.deep.equal({ words: [], also: 'files' });
    expect(complete('update', 'a', '')).to.deep.equal({ words: [], also: null });
  });
});
