/**
 * The tests that run a real nginx, run by a newer one than the distribution's: what nginx changed since must change nothing
 * for users. It is built from sources where a Rust tool chain is there to fetch them; without one these tests say why they
 * are skipped.
 * @needs nginx openssl
 */
import { globSync } from 'node:fs';
import { expect } from 'chai';
import { newerNginx } from '../../scripts/test/nginx-versions.ts';
import { runSuite } from '../../scripts/test/run-suite.ts';
import { REPOSITORY } from '../support/cli.ts';

/** Those that take their nginx from test/support/nginx-binary.ts. */
const FILES = [
  'test/golden/nginx*.test.ts',
  'test/conformance/nginx-*.test.ts',
  'test/e2e/nginx-{decisions,hostile-values,outcomes,quoting}.test.ts',
];
const LIMIT_MS = 15 * 60_000;

describe('a newer nginx', function () {
  this.timeout(LIMIT_MS + 60_000);
  const former = process.env.NGINX_UNDER_TEST;

  before(async function () {
    const newer = await newerNginx((line) => console.log(`      ${line}`));
    if (typeof newer === 'string') {
      console.log(`      skipped: ${newer}`);
      return this.skip();
    }
    console.log(`      nginx ${newer.version}`);
    process.env.NGINX_UNDER_TEST = newer.binary;
  });
  after(() => {
    if (former === undefined) delete process.env.NGINX_UNDER_TEST;
    else process.env.NGINX_UNDER_TEST = former;
  });

  for (const file of globSync(FILES, { cwd: REPOSITORY }).sort()) {
    it(file, async () => {
      const run = { kind: 'mocha', files: [file] } as const;
      const suite = { name: file, run, company: 'none', needs: [], limitMs: LIMIT_MS } as const;
      const { outcome, output, passed, skipped } = await runSuite(suite, { root: REPOSITORY, manyRuns: 'no' });
      expect(outcome, output).to.equal('passed');
      console.log(`      ${passed} passed, ${skipped} skipped`);
      expect(passed, 'tests that ran').to.be.above(0);
    });
  }
});
