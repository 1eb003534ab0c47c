/**
 * One of three replicas has a half-open connection to the API server: it goes on, and never comes nearer to new. The full run
 * cuts off the leader. @together kube-journeys @needs kubernetes
 */
import { cutOffReplica } from '../support/kube-partition-suite.ts';

cutOffReplica('swallow');
