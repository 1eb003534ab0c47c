/** The part of the conformance table named DECIDING, run on the nginx data plane. @needs nginx openssl */
import { NGINX, NGINX_DIFFERS } from './nginx-under-test.ts';
import { differencesIn } from './plan.ts';
import { conformance } from './suite.ts';
import { DECIDING } from './themes.ts';

conformance(NGINX, DECIDING, differencesIn(DECIDING, NGINX_DIFFERS));
