import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { tempDir } from '../../test/support/temp-dir.ts';
import { editFile, UnwritableFile } from './edit-file.ts';
import { UnreadableFile } from './text-file.ts';

describe('editFile', () => {
  let directory: string;
  let path: string;
  const upper = (text: string) => ({ text: text.toUpperCase(), result: text });

  beforeEach(() => {
    directory = tempDir();
    path = join(directory, 'a.yaml');
    writeFileSync(path, 'one\n');
  });

  it('replaces the file whole, keeps its mode and leaves nothing behind', async () => {
    chmodSync(path, 0o640);
    const before = statSync(path);
    expect(await editFile(path, upper)).to.equal('one\n');
    expect(readFileSync(path, 'utf8')).to.equal('ONE\n');
    expect(statSync(path).mode).to.equal(before.mode);
    expect(statSync(path).ino).not.to.equal(before.ino);
    expect(readdirSync(directory)).to.deep.equal(['a.yaml']);
  });

  it('keeps a byte order mark and line ends as they are', async () => {
    writeFileSync(path, '\ufeffa\r\nb\r\n');
    await editFile(path, (text) => ({ text: text.replace('b', 'c'), result: null }));
    expect(readFileSync(path).toString('hex')).to.equal(Buffer.from('\ufeffa\r\nc\r\n').toString('hex'));
  });

  it('edits behind a symlink and leaves the link', async () => {
    const link = join(directory, 'link.yaml');
    symlinkSync('a.yaml', link);
    await editFile(link, upper);
    expect(lstatSync(link).isSymbolicLink()).to.equal(true);
    expect(readFileSync(path, 'utf8')).to.equal('ONE\n');
  });

  it('writes nothing where the text stays, or the edit refuses', async () => {
    const { ino, mtimeMs } = statSync(path);
    await editFile(path, (text) => ({ text, result: null }));
    expect(await editFile(path, () => ({ result: 'no' }))).to.equal('no');
    expect(statSync(path)).to.include({ ino, mtimeMs });
  });

  it('edits what another program wrote meanwhile instead of overwriting it', async () => {
    let calls = 0;
    await editFile(path, (text) => {
      if (calls++ === 0) writeFileSync(path, 'theirs\n');
      return upper(text);
    });
    expect(readFileSync(path, 'utf8')).to.equal('THEIRS\n');
    expect(calls).to.equal(2);
  });

  it('gives up, and changes nothing, while others never stop', async () => {
    let calls = 0;
    const failed = await editFile(path, (text) => {
      writeFileSync(path, `theirs ${++calls}\n`);
      return upper(text);
    }).catch((error: Error) => error);
    expect(failed).to.be.instanceOf(UnwritableFile);
    expect(readFileSync(path, 'utf8')).to.equal(`theirs ${calls}\n`);
  });

  it('loses none of many edits at once', async () => {
    writeFileSync(path, '0');
    const edits = Array.from({ length: 4 }, () =>
      editFile(path, (text) => ({ text: String(Number(text) + 1), result: null })),
    );
    await Promise.all(edits);
    expect(readFileSync(path, 'utf8')).to.equal('4');
  });

  it('takes over what a crashed edit left behind', async () => {
    const left = join(directory, '.a.yaml.update');
    writeFileSync(left, 'half');
    utimesSync(left, 1, 1);
    await editFile(path, upper);
    expect(readFileSync(path, 'utf8')).to.equal('ONE\n');
    expect(existsSync(left)).to.equal(false);
  });

  it('loses none of many edits at once that find such a left-over', async () => {
    const left = join(directory, '.a.yaml.update');
    for (let round = 0; round < 25; round++) {
      writeFileSync(path, '0');
      writeFileSync(left, 'half');
      utimesSync(left, 1, 1);
      const add = () => editFile(path, (text) => ({ text: String(Number(text) + 1), result: null }));
      await Promise.all([add(), add(), add(), add()]);
      expect(readFileSync(path, 'utf8')).to.equal('4');
      expect(readdirSync(directory)).to.deep.equal(['a.yaml']);
    }
  });

  it('says what cannot be read', async () => {
    const failed = await editFile(join(directory, 'none'), upper).catch((error: Error) => error);
    expect(failed).to.be.instanceOf(UnreadableFile);
    expect((failed as Error).message).to.equal('no such file');
  });
});
