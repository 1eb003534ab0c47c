import { expect } from 'chai';
import { RunningProgram, replacedWords } from './running-program.ts';

const version = (minor: number, patch: number) => ({ major: 1, minor, patch });

describe('the program of the nginx that runs', () => {
  it('is nothing to speak of while it is where it was, and where nothing runs', async () => {
    const program = new RunningProgram('/usr/sbin/nginx');
    expect(await program.look(process.pid)).to.equal(null);
    expect(await program.look(null)).to.equal(null);
  });

  it('is told with both versions, what goes on, and what to do', () => {
    expect(replacedWords(version(22, 1), version(28, 3)))
      .to.contain('nginx 1.28.3 was installed, but nginx 1.22.1 of before still runs')
      .and.to.contain('takes edits')
      .and.to.contain('stop migration-proxy and start it again');
    expect(replacedWords(version(22, 1), version(22, 1))).to.contain('nginx 1.22.1 was installed anew');
    expect(replacedWords(null, version(28, 3))).to.contain('an nginx of before still runs');
  });
});
