/**
 * The new cluster breaks under load, in every way a cluster can.
 * @calm
 */
import { failingNew } from '../support/failing-new-suite.ts';
import { DIRECT } from '../support/journey-plane.ts';

failingNew(DIRECT);
