/** The part of the conformance table named HEADS, run on the nginx data plane. @needs nginx */
import { NGINX_DIFFERENCES } from './nginx-differences.ts';
import { NGINX } from './nginx-under-test.ts';
import { differencesIn } from './plan.ts';
import { conformance } from './suite.ts';
import { HEADS } from './themes.ts';

conformance(NGINX, HEADS, differencesIn(HEADS, NGINX_DIFFERENCES));
