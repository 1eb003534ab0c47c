/**
 * One request after the other through nginx: it is exactly the failure number max_failures that sends a service back to old.
 * @needs nginx
 */
import { exactTrip } from '../support/exact-trip-suite.ts';
import { NGINX } from '../support/journey-plane.ts';

exactTrip(NGINX);
