/** The part of the conformance table named FRAMING, run on the nginx data plane. @needs nginx */
import { NGINX_DIFFERENCES } from './nginx-differences.ts';
import { NGINX } from './nginx-under-test.ts';
import { differencesIn } from './plan.ts';
import { conformance } from './suite.ts';
import { FRAMING } from './themes.ts';

conformance(NGINX, FRAMING, differencesIn(FRAMING, NGINX_DIFFERENCES));
