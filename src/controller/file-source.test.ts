import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../../test/support/eventually.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { type FileRead, FileSource } from './file-source.ts';

describe('FileSource', () => {
  let directory: string;
  let path: string;
  let reads: FileRead[];
  let doubted: string[];
  let source: FileSource;

  const open = (changes: { settleMs?: number; doubtMs?: number; pollMs?: number } = {}) => {
    source = new FileSource({
      path,
      onRead: async (read) => void reads.push(read),
      isDoubtful: async (text, before) => {
        const doubtful = text === '' || (before !== null && text !== before && before.startsWith(text));
        if (doubtful) doubted.push(text);
        return doubtful;
      },
      settleMs: 10,
      doubtMs: 60,
      pollMs: 20,
      ...changes,
    });
    return source.start();
  };
  const texts = () => reads.map((read) => (read.kind === 'text' ? read.text : `(${read.code})`));
  const sees = (expected: readonly string[]) =>
    eventually(
      `reads ${JSON.stringify(expected)}`,
      () => {
        if (JSON.stringify(texts()) === JSON.stringify(expected)) return true;
        throw new Error(`they are ${JSON.stringify(texts())}`);
      },
      5_000,
    );

  beforeEach(() => {
    directory = tempDir();
    path = join(directory, 'migration.yaml');
    reads = [];
    doubted = [];
    writeFileSync(path, 'one\n');
  });
  afterEach(() => source.close());

  it('hands the first version over before start ends, then each edit in place', async () => {
    await open();
    expect(texts()).to.deep.equal(['one\n']);
    writeFileSync(path, 'two\n');
    await sees(['one\n', 'two\n']);
    writeFileSync(path, 'three\n');
    await sees(['one\n', 'two\n', 'three\n']);
  });

  it('follows editors that replace the file, again and again', async () => {
    await open({ pollMs: 60_000 });
    for (const text of ['two\n', 'three\n', 'four\n']) {
      writeFileSync(join(directory, '.new'), text);
      renameSync(join(directory, '.new'), path);
      await eventually('the new text', () => texts().at(-1) === text);
    }
    expect(texts()).to.deep.equal(['one\n', 'two\n', 'three\n', 'four\n']);
  });

  it('follows the swap of a symlinked directory, as volumes do', async () => {
    const version = (name: string, text: string) => {
      mkdirSync(join(directory, name));
      writeFileSync(join(directory, name, 'migration.yaml'), text);
    };
    rmSync(path);
    version('..1', 'one\n');
    symlinkSync('..1', join(directory, '..data'));
    symlinkSync('..data/migration.yaml', path);
    await open({ pollMs: 60_000 });
    version('..2', 'two\n');
    symlinkSync('..2', join(directory, '..data_tmp'));
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
    rmSync(join(directory, '..1'), { recursive: true });
    await sees(['one\n', 'two\n']);
  });

  it('sees an edit of the file behind a symlink into another directory', async () => {
    const elsewhere = join(tempDir(), 'real.yaml');
    writeFileSync(elsewhere, 'one\n');
    rmSync(path);
    symlinkSync(elsewhere, path);
    await open({ pollMs: 60_000 });
    writeFileSync(elsewhere, 'two\n');
    await sees(['one\n', 'two\n']);
  });

  it('sees changes by looking, where events are lost', async () => {
    await open();
    // Through a directory that was moved away and made anew the watch stays with the old one.
    renameSync(directory, `${directory}.away`);
    mkdirSync(directory);
    writeFileSync(path, 'two\n');
    await eventually('the new text', () => texts().at(-1) === 'two\n');
    rmSync(`${directory}.away`, { recursive: true });
  });

  it('waits for the rest of a text that is being written', async () => {
    writeFileSync(path, 'first line\nsecond line\n');
    await open({ doubtMs: 300 });
    truncateSync(path, 0);
    appendFileSync(path, 'first line\n');
    // It has settled, and only doubt keeps the half from being believed.
    await eventually('the half is read', () => doubted.includes('first line\n'));
    appendFileSync(path, 'second line\nthird line\n');
    await sees(['first line\nsecond line\n', 'first line\nsecond line\nthird line\n']);
  });

  it('believes a shorter text that stays', async () => {
    writeFileSync(path, 'first line\nsecond line\n');
    await open();
    writeFileSync(path, 'first line\n');
    await sees(['first line\nsecond line\n', 'first line\n']);
  });

  it('reports a file that is gone once, and takes it up when it is back', async () => {
    await open();
    rmSync(path);
    await sees(['one\n', '(ENOENT)']);
    writeFileSync(path, 'two\n');
    await sees(['one\n', '(ENOENT)', 'two\n']);
  });

  it('starts without a file, and without its directory', async () => {
    path = join(directory, 'later', 'migration.yaml');
    await open();
    expect(texts()).to.deep.equal(['(ENOENT)']);
    mkdirSync(join(directory, 'later'));
    writeFileSync(path, 'two\n');
    await sees(['(ENOENT)', 'two\n']);
  });

  it('does not report a file that is replaced by deleting and creating it', async () => {
    await open({ doubtMs: 300 });
    rmSync(path);
    await new Promise((resolve) => setTimeout(resolve, 50));
    writeFileSync(path, 'two\n');
    await sees(['one\n', 'two\n']);
  });

  it('says what is no text: a directory, other bytes', async () => {
    await open();
    writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00]));
    await sees(['one\n', '(no_text)']);
    rmSync(path);
    mkdirSync(path);
    await sees(['one\n', '(no_text)', '(EISDIR)']);
  });

  it('takes a touch or a new mode for no change, and reads again when asked to', async () => {
    await open();
    chmodSync(path, 0o600);
    writeFileSync(path, 'one\n');
    await source.reread();
    expect(texts()).to.deep.equal(['one\n', 'one\n']);
    // Whether the watch saw it first or not: it has been handed over when this resolves.
    writeFileSync(path, 'two\n');
    await source.reread();
    expect(texts().at(-1)).to.equal('two\n');
  });
});
