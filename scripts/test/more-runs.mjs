/** Loaded before the tests of the full tier: each property that names no number of its own is tried with 2 000 cases. */
import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns: 2000 });
