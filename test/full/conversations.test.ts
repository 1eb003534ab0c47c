/** Thousands of conversations with backends that break off, or `CONVERSATIONS` of them. @alone */
import { conversations } from '../support/conversations-suite.ts';

describe('conversations at once, long', () => conversations(Number(process.env.CONVERSATIONS ?? 5_000)));
