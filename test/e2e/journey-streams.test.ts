/**
 * WebSockets and event streams live through everything that happens to their service.
 */
import { DIRECT } from '../support/journey-plane.ts';
import { streamsStay } from '../support/streams-suite.ts';

streamsStay(DIRECT);
