/** The part of the conformance table named FORWARDING, run on the nginx data plane. @needs nginx openssl */
import { NGINX, NGINX_DIFFERS } from './nginx-under-test.ts';
import { differencesIn } from './plan.ts';
import { conformance } from './suite.ts';
import { FORWARDING } from './themes.ts';

conformance(NGINX, FORWARDING, differencesIn(FORWARDING, NGINX_DIFFERS));
