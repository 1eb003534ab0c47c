/**
 * What one of three replicas sees or is told is known to all: trips in either data plane; holds and restarts in the direct one, with
 * nginx in the full run. @together kube-journeys @needs kubernetes nginx
 */
import { sharedStates } from '../support/kube-states-suite.ts';

sharedStates('direct', 'all');
sharedStates('nginx', 'trips');
