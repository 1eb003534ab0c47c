/** Drawn configurations, requests, answers and run states, at both planes: a sample of the full tier's. @needs nginx openssl */
import { planesAgree } from '../conformance/agreement/planes-agree.ts';

planesAgree(6);
