/** The conformance table, run on the direct data plane: it skips nothing. */
import { DIRECT } from './direct-under-test.ts';
import { conformance } from './suite.ts';

conformance(DIRECT, {});
