/** Many conversations at once with backends that break off: a sample of the full tier's. */
import { conversations } from '../support/conversations-suite.ts';

describe('conversations at once', () => conversations(200));
