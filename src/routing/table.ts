/**
 * The routing table: what is served now, as frozen plain data that can cross a process boundary. Replaced whole by one
 * assignment; a request reads it once and keeps that version to its end. Run state is not in it.
 */
import type { ServedMigration } from '../migration/model.ts';

export interface RoutingTable {
  /** Grows by one with each applied change. */
  readonly generation: number;
  /** Hex digest of the served content: equal configuration, equal hash, on every replica. */
  readonly hash: string;
  /** In a stable order (by name). */
  readonly services: readonly ServedMigration[];
}
