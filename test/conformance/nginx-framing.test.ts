/** The part of the conformance table named FRAMING, run on the nginx data plane. @needs nginx openssl */
import { NGINX, NGINX_DIFFERS } from './nginx-under-test.ts';
import { differencesIn } from './plan.ts';
import { conformance } from './suite.ts';
import { FRAMING } from './themes.ts';

conformance(NGINX, FRAMING, differencesIn(FRAMING, NGINX_DIFFERS));
