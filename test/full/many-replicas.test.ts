/**
 * Thousands of histories of three replicas that share their states. One that ends badly prints the seed that finds it again.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { REPOSITORY } from '../support/cli.ts';

describe('many replicas', function () {
  this.timeout(30 * 60_000);

  it('2 000 histories', async () => {
    const mocha = join(REPOSITORY, 'node_modules', 'mocha', 'bin', 'mocha.js');
    const args = [mocha, '--no-color', 'src/controller/many-replicas.test.ts'];
    const child = spawn(process.execPath, args, { cwd: REPOSITORY, env: { ...process.env, TEST_HISTORIES: '2000' } });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    expect(code, said).to.equal(0);
  });
});
