/** The conformance table, run on the direct data plane: it differs nowhere. */
import { DIRECT } from './direct-under-test.ts';
import { conformance } from './suite.ts';
import { THEMES } from './themes.ts';

conformance(DIRECT, THEMES, {});
