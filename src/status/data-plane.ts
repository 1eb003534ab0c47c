/**
 * What a data plane reports, and what may be asked of one. The controller stands on the other side.
 */
import type { Outcome } from '../fallback/outcome.ts';
import type { RunState } from '../migration/run-state.ts';
import type { RoutingTable } from '../routing/table.ts';
import type { RequestRecord } from './request-record.ts';

export interface DataPlaneObserver {
  /** One attempt ended. Called before the request's next attempt is chosen: a trip takes effect at once. */
  attempt(outcome: Outcome): void;
  /** One client request ended. */
  request(record: RequestRecord): void;
  /** A request that no service took (unknown Host, malformed ...), by the stable error code of the answer. */
  refused(code: string): void;
  /** X-Forwarded-* came from an untrusted private address (reported at most once for each address). */
  untrustedForwarder(service: string, address: string): void;
}

export interface DataPlane {
  /** Live for the next request. */
  apply(table: RoutingTable): void;
  /** Resolves when what was applied last is live, or could not be made to be; absent where it is at once. */
  settled?(): Promise<void>;
  setRunState(service: string, state: RunState): void;
  /** Open connections now. */
  connections(): { readonly client: number; readonly old: number; readonly new: number };
}
