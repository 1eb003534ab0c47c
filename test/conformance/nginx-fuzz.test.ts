/** The part of the conformance table named FUZZ, run on the nginx data plane. @needs nginx openssl */
import { NGINX, NGINX_DIFFERS } from './nginx-under-test.ts';
import { differencesIn } from './plan.ts';
import { conformance } from './suite.ts';
import { FUZZ } from './themes.ts';

conformance(NGINX, FUZZ, differencesIn(FUZZ, NGINX_DIFFERS));
