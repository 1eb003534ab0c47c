/**
 * Thousands of drawn exchanges at both planes: who was asked, with which lines, what the client got, what was counted.
 * `AGREE_RUNS` configurations, 300 where it is not set. @needs nginx openssl
 */
import { planesAgree } from '../conformance/agreement/planes-agree.ts';

planesAgree(Number(process.env.AGREE_RUNS ?? 300));
