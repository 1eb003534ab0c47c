/** What three replicas share and how they recover in nginx's plane, and a leader that is cut off. @needs kubernetes nginx */
import { cutOffReplica } from '../support/kube-partition-suite.ts';
import { recoveryOverReplicas } from '../support/kube-recovery-suite.ts';
import { sharedStates } from '../support/kube-states-suite.ts';

sharedStates('nginx', 'all');
recoveryOverReplicas('nginx');
cutOffReplica('cut');
