/**
 * A service comes back on three replicas together, and a killed leader is not missed. The full run does the same with nginx.
 * @together kube-journeys @needs kubernetes
 */
import { recoveryOverReplicas } from '../support/kube-recovery-suite.ts';

recoveryOverReplicas('direct');
