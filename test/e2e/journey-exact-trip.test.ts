/**
 * One request after the other: it is exactly the failure number max_failures that sends a service back to old.
 */
import { exactTrip } from '../support/exact-trip-suite.ts';
import { DIRECT } from '../support/journey-plane.ts';

exactTrip(DIRECT);
