/**
 * The new cluster breaks under load, in every way a cluster can, and nginx takes its traffic to old and back.
 * @calm
 * @needs nginx
 */
import { failingNew } from '../support/failing-new-suite.ts';
import { NGINX } from '../support/journey-plane.ts';

failingNew(NGINX);
