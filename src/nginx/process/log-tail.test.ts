import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { endOf, LogTail } from './log-tail.ts';

describe('a log from now on', () => {
  it('is what was added, over a rotation too', async () => {
    const path = join(tempDir(), 'error.log');
    writeFileSync(path, 'before\n');
    const tail = await LogTail.atEnd(path);
    expect(await tail.added()).to.equal('');
    appendFileSync(path, 'one\n');
    renameSync(path, `${path}.1`);
    expect(await tail.added()).to.equal('one\n');
    appendFileSync(`${path}.1`, 'two\n');
    writeFileSync(path, 'three\n');
    expect(await tail.added()).to.equal('one\ntwo\nthree\n');
    await tail.close();
  });

  it('is all of one that was not there yet', async () => {
    const path = join(tempDir(), 'error.log');
    const tail = await LogTail.atEnd(path);
    expect(await tail.added()).to.equal('');
    writeFileSync(path, 'first\n');
    expect(await tail.added()).to.equal('first\n');
    expect(await endOf(path)).to.equal('first\n');
    expect(await endOf(`${path}.none`)).to.equal('');
    await tail.close();
  });
});
