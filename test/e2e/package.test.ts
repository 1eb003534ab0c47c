/**
 * The package as `npm pack` makes it, unpacked where no sources and no compiler are: plain Node runs it. Its dependencies
 * are linked from here instead of being fetched; development dependencies are left out, so that a forgotten one is noticed.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { REPOSITORY } from '../support/cli.ts';
import { tempDir } from '../support/temp-dir.ts';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly optional?: boolean }>>;
}

describe('the published package', function () {
  this.timeout(90_000);
  const directory = tempDir();
  const installed = join(directory, 'node_modules', 'migration-proxy');

  before(() => {
    const args = ['pack', '--json', '--silent', '--pack-destination', directory];
    const packed = JSON.parse(execFileSync('npm', args, { cwd: REPOSITORY, encoding: 'utf8' }));
    // npm 11 answers with a list, later ones may answer by name.
    const [{ filename }] = Object.values(packed) as [{ filename: string }];
    mkdirSync(installed, { recursive: true });
    execFileSync('tar', ['-xzf', join(directory, filename), '-C', installed, '--strip-components', '1']);
    linkDependencies();
  });

  function linkDependencies(): void {
    const { packages } = JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')) as Lock;
    for (const [path, { dev }] of Object.entries(packages)) {
      // Nested ones come with the package around them.
      if (path === '' || dev || path.lastIndexOf('node_modules/') > 0 || !existsSync(join(REPOSITORY, path))) continue;
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      symlinkSync(join(REPOSITORY, path), join(directory, path));
    }
  }

  function run(...args: string[]): { code: number | null; stdout: string; stderr: string } {
    const bin = join(installed, 'bin', 'migration-proxy.mjs');
    // --preserve-symlinks: else a linked dependency finds the development dependencies beside it.
    const node = ['--preserve-symlinks', '--preserve-symlinks-main', bin, ...args];
    const { status, stdout, stderr } = spawnSync(process.execPath, node, { cwd: directory, encoding: 'utf8' });
    return { code: status, stdout, stderr };
  }

  it('holds JavaScript, examples and papers, and no TypeScript and no tests', () => {
    const files = globSync('**/*', { cwd: installed }).sort();
    expect(files).to.include.members([
      'LICENSE',
      'README.md',
      'bin/migration-proxy.mjs',
      'config/migration.yaml',
      'dist/cli/main.js',
    ]);
    expect(files.filter((file) => file.endsWith('.ts') || file.includes('.test.'))).to.deep.equal([]);
    expect(files.filter((file) => /^(test|bench|scripts|node_modules)\b/.test(file))).to.deep.equal([]);
  });

  it('says its version', () => {
    const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { version: string };
    const { code, stdout, stderr } = run('--version');
    expect({ code, stdout: stdout.trim(), stderr }).to.deep.equal({ code: 0, stdout: version, stderr: '' });
  });

  it('validates: its own example is right, a typo is named with its place', () => {
    const good = run('validate', join(installed, 'config', 'migration.yaml'));
    expect(good.code, good.stderr).to.equal(0);
    const file = join(directory, 'bad.yaml');
    writeFileSync(file, 'services:\n  - name: a\n    old_hots: b\n');
    const bad = run('validate', file);
    expect(bad.code).to.equal(1);
    expect(bad.stdout + bad.stderr).to.contain(`${file}:3:5: services[0].old_hots`);
  });

  it("prints nginx's text of a large configuration, in a thread of its own, by the templates that it brings", () => {
    const service = (i: number) =>
      `  - { name: s${i}, old_host: s${i}.test, old_backend: "o:80", new_host: n.test, new_backend: "n:80" }\n`;
    const file = join(directory, 'many.yaml');
    writeFileSync(file, `services:\n${Array.from({ length: 150 }, (_, i) => service(i)).join('')}`);
    const { code, stdout, stderr } = run('render', file, '--nginx-version', '1.22.1');
    expect(code, stderr).to.equal(0);
    expect(stdout).to.include('s149.test');
  });

  it('reads a large configuration in a thread of its own', () => {
    const program = `
      import { readConfiguration } from 'migration-proxy/dist/controller/config-reader.js';
      const service = (i) => '  - { name: s' + i + ', old_host: s' + i + '.test, old_backend: "o:80", new_host: n.test, new_backend: "n:80" }\\n';
      const text = 'services:\\n' + Array.from({ length: 500 }, (_, i) => service(i)).join('');
      const read = await readConfiguration({ file: 'm.yaml', text, kind: 'file' });
      console.log(read.services.length, read.errors.length);`;
    writeFileSync(join(directory, 'large.mjs'), program);
    const node = ['--preserve-symlinks', '--preserve-symlinks-main', 'large.mjs'];
    const { stdout, stderr } = spawnSync(process.execPath, node, { cwd: directory, encoding: 'utf8' });
    expect(stdout, stderr).to.equal('500 0\n');
  });
});
