/**
 * Large bodies through the real process, at flat memory. The full run does the same with a GiB.
 */
import { bigBodies } from '../support/big-bodies-suite.ts';

bigBodies(256, 30_000);
