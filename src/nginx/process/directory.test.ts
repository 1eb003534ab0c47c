import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { DirectoryProblem, prepareDirectory } from './directory.ts';

const isRoot = process.getuid?.() === 0;

async function problem(directory: string, user: string | null = null): Promise<string> {
  const error = await prepareDirectory(directory, user).then(
    () => null,
    (rejection: unknown) => rejection,
  );
  expect(error).to.be.instanceOf(DirectoryProblem);
  return (error as DirectoryProblem).message;
}

const modeOf = (path: string): string => (lstatSync(path).mode & 0o777).toString(8);

describe("nginx's directory", () => {
  it('is made for us alone, with what is above it, whatever the umask, and may be there already', async () => {
    const directory = join(tempDir(), 'uid', '8000');
    const before = process.umask(0o177);
    try {
      await prepareDirectory(directory, null);
      await prepareDirectory(directory, null);
    } finally {
      process.umask(before);
    }
    expect(readdirSync(directory).sort()).to.deep.equal(['flags', 'log', 'run', 'temp', 'tls']);
    for (const name of ['..', '.', 'flags', 'log', 'run']) expect(modeOf(join(directory, name))).to.equal('700');
  });

  it('is narrowed where others may read it, and refused where they may write', async () => {
    const directory = join(tempDir(), 'd');
    mkdirSync(directory);
    chmodSync(directory, 0o755);
    await prepareDirectory(directory, null);
    expect(modeOf(directory)).to.equal('700');
    chmodSync(join(directory, 'flags'), 0o777);
    expect(await problem(directory)).to.contain('flags may be written by others');
  });

  it('is no link and no file', async () => {
    const root = tempDir();
    mkdirSync(join(root, 'real'), { mode: 0o700 });
    symlinkSync(join(root, 'real'), join(root, 'link'));
    writeFileSync(join(root, 'file'), '');
    expect(await problem(join(root, 'link'))).to.contain('is a symbolic link');
    expect(await problem(join(root, 'file'))).to.contain('is no directory');
    expect(await problem(join(root, 'file', 'below'))).to.contain('is no directory');
  });

  it('belongs to us, as does all that is above it', async function () {
    if (!isRoot) this.skip();
    const root = tempDir();
    mkdirSync(join(root, 'foreign', 'd'), { recursive: true, mode: 0o700 });
    chownSync(join(root, 'foreign', 'd'), 12_345, 12_345);
    expect(await problem(join(root, 'foreign', 'd'))).to.contain('belongs to user 12345, not to us (user 0)');
    chownSync(join(root, 'foreign'), 12_345, 12_345);
    expect(await problem(join(root, 'foreign', 'new'))).to.contain('belongs to user 12345');
  });

  it('lets workers of another user pass, and says where they cannot', async function () {
    if (!isRoot) this.skip();
    const root = tempDir();
    expect(await problem(join(root, 'd'), 'nobody')).to.contain(`cannot pass ${root}: chmod o+x ${root}`);
    chmodSync(root, 0o711);
    await prepareDirectory(join(root, 'd'), 'nobody');
    for (const name of ['.', 'flags', 'log', 'temp']) expect(modeOf(join(root, 'd', name))).to.equal('711');
    expect(modeOf(join(root, 'd', 'run'))).to.equal('700');
  });
});
