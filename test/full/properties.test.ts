/**
 * The properties of the code that reads what strangers send, again and again, each round with seeds of its own. A round that
 * finds something prints the seed that finds it again.
 */
import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { REPOSITORY } from '../support/cli.ts';

const ROUNDS = 10;
const FILES = globSync('src/{http1,migration,allocator}/**/*.test.ts', { cwd: REPOSITORY }).filter((file) =>
  readFileSync(join(REPOSITORY, file), 'utf8').includes("from 'fast-check'"),
);

describe('properties', function () {
  this.timeout(30 * 60_000);

  for (let round = 1; round <= ROUNDS; round++) {
    it(`round ${round} of ${ROUNDS}`, async () => {
      expect(FILES).to.include('src/http1/request-fuzz.test.ts');
      const { code, said } = await run(FILES);
      expect(code, said).to.equal(0);
    });
  }
});

/** Mocha over these files, in a process of its own: seeds are drawn when a file is loaded. */
function run(files: readonly string[]): Promise<{ readonly code: number | null; readonly said: string }> {
  const mocha = join(REPOSITORY, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const child = spawn(process.execPath, [mocha, '--no-color', '--timeout', '600000', ...files], { cwd: REPOSITORY });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, said }));
  });
}
