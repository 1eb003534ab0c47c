/**
 * Loaded before the tests of the full tier: each property that names no number of its own is tried with 2 000 cases, a costly one
 * (test/support/runs.ts) with all of its own.
 */
import fc from 'fast-check';

process.env.TEST_MANY_RUNS = 'yes';
fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns: 2000 });
