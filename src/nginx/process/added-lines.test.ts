import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { AddedLines, endOf } from './added-lines.ts';

describe('a log from now on', () => {
  it('is what was added since the last reading, over a rotation too', async () => {
    const path = join(tempDir(), 'error.log');
    writeFileSync(path, 'before\n');
    const tail = await AddedLines.atEnd(path);
    expect(await tail.added()).to.equal('');
    appendFileSync(path, 'one\n');
    renameSync(path, `${path}.1`);
    expect(await tail.added()).to.equal('one\n');
    appendFileSync(`${path}.1`, 'two\n');
    writeFileSync(path, 'three\n');
    expect(await tail.added()).to.equal('two\nthree\n');
    // A worker that has not opened the new one yet.
    appendFileSync(`${path}.1`, 'four\n');
    expect(await tail.added()).to.equal('four\n');
    expect(await tail.added()).to.equal('');
    await tail.close();
  });

  it('is all of one that was not there yet', async () => {
    const path = join(tempDir(), 'error.log');
    const tail = await AddedLines.atEnd(path);
    expect(await tail.added()).to.equal('');
    writeFileSync(path, 'first\n');
    expect(await tail.added()).to.equal('first\n');
    expect(await endOf(path)).to.equal('first\n');
    expect(await endOf(`${path}.none`)).to.equal('');
    await tail.close();
  });

  it('gives each line once and whole, however many there are at a time', async () => {
    const path = join(tempDir(), 'error.log');
    writeFileSync(path, '');
    const tail = await AddedLines.atEnd(path);
    const lines = Array.from({ length: 30_000 }, (_, i) => `${i} ${'ä'.repeat(20)}\n`);
    const text = lines.join('');
    appendFileSync(path, text);
    appendFileSync(path, 'the end is mi');
    let read = '';
    for (let piece = await tail.added(); piece !== ''; piece = await tail.added()) {
      expect(piece.endsWith('\n')).to.equal(true);
      read += piece;
    }
    expect(read === text).to.equal(true);
    appendFileSync(path, 'ssing\n');
    expect(await tail.added()).to.equal('the end is missing\n');
    await tail.close();
  });
});
