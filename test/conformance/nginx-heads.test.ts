/** The part of the conformance table named HEADS, run on the nginx data plane. @needs nginx openssl */
import { NGINX, NGINX_DIFFERS } from './nginx-under-test.ts';
import { differencesIn } from './plan.ts';
import { conformance } from './suite.ts';
import { HEADS } from './themes.ts';

conformance(NGINX, HEADS, differencesIn(HEADS, NGINX_DIFFERS));
