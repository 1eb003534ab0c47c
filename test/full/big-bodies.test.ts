/** A GiB up and down through the real process, at flat memory. */
import { bigBodies } from '../support/big-bodies-suite.ts';

bigBodies(1024, 120_000);
