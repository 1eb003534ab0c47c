/**
 * Where configuration comes from, as the control loop sees it: something that is read, read again, and perhaps edited.
 */
import type { SourceRead } from '../migration/candidates.ts';

export interface ConfigSource {
  /** Stable over restarts: what its last good version is kept under. */
  readonly id: string;
  /** As `/status` names it: `file:config/migration.yaml`. */
  readonly label: string;
  /** Calls `onRead` with the first version and with each later one. Resolves when the first has been dealt with. */
  start(onRead: (read: SourceRead) => Promise<void>): Promise<void>;
  /** Reads now. Resolves when what was read has been dealt with. */
  reread(): Promise<void>;
  /** Writes another percentage (0..100) into the source itself, and takes it up as every other change. */
  setPercentage(service: string, percentage: number): Promise<EditResult>;
  close(): Promise<void>;
}

export type EditResult =
  /** Per cent. */
  | { readonly ok: true; readonly from: number | null; readonly to: number }
  | { readonly ok: false; readonly code: 'no_such_service' | 'refused' | 'unavailable'; readonly message: string };
