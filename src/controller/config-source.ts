/**
 * Where configuration comes from, as the control loop sees it: something that is read, read again, and perhaps edited.
 */
import type { SourceRead } from '../migration/candidates.ts';

/** Takes versions of sources that belong together: the first call has everything that there is. Resolves when they are live. */
export type OnReads = (reads: readonly SourceRead[]) => Promise<void>;

export interface ConfigSource {
  /** As `/status` names it: `file:config/migration.yaml`, `configmap:NAMESPACE/NAME`. */
  readonly label: string;
  /**
   * Calls `onReads` with the first versions and with later ones. `known`: ids of the sources whose last good versions a former
   * process left. Resolves when the first call has been dealt with, or when the source could not be reached: it goes on trying.
   */
  start(onReads: OnReads, known: readonly string[]): Promise<void>;
  /** Reads now. Resolves when what was read has been dealt with. */
  reread(): Promise<void>;
  /** Writes another percentage (0..100) into the source itself, and takes it up as every other change. */
  setPercentage(edit: PercentageEdit): Promise<EditResult>;
  close(): Promise<void>;
}

export interface PercentageEdit {
  readonly service: string;
  readonly percentage: number;
  /** Who wants it, and why ('' for no reason given): kept with the change where the source has a place for it. */
  readonly who: string;
  readonly reason: string;
  /** `even_if_managed`: also where another tool owns the source and will probably undo it. */
  readonly scope: 'own' | 'even_if_managed';
}

export type EditResult =
  /** Per cent. */
  | { readonly ok: true; readonly from: number | null; readonly to: number }
  | { readonly ok: false; readonly code: 'no_such_service' | 'refused' | 'unavailable'; readonly message: string }
  /** Another tool owns the source: `difference` (a unified diff) is what to commit where that tool reads. */
  | { readonly ok: false; readonly code: 'managed'; readonly message: string; readonly difference: string };
