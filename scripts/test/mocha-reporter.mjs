/**
 * Mocha's reporter for suites run as processes: says nothing of what passes, prints each failure with its difference, and
 * writes the counts, with the names of skipped tests, to the file named by the option `counts`.
 */
import { writeFileSync } from 'node:fs';
import mocha from 'mocha';

const { Base } = mocha.reporters;

export default class CountingReporter extends Base {
  constructor(runner, options) {
    super(runner, options);
    const skipped = [];
    runner.on('pending', (test) => skipped.push(test.fullTitle()));
    runner.once('end', () => {
      const { passes: passed, failures: failed } = this.stats;
      writeFileSync(options.reporterOptions.counts, JSON.stringify({ passed, failed, skipped }));
      if (failed > 0) this.epilogue();
    });
  }
}
