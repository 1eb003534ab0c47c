/**
 * Where configuration comes from, as the control loop sees it: something that is read, read again, and perhaps edited.
 */
import type { ManagedElsewhere } from '../admin/backend.ts';
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
  /** Writes another percentage (0..100) into the source itself, and takes it up as every other change; or only says what it would be. */
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
  /** `preview`: nothing is written, whoever owns the source; the result has the difference. */
  readonly mode: 'write' | 'preview';
}

export type EditResult =
  | {
      readonly ok: true;
      /** Per cent. */
      readonly from: number | null;
      readonly to: number;
      /** What whoever wants it should know, such as who will probably undo it. Absent: nothing. */
      readonly note?: string;
      /** Of a preview: a unified diff of the source's text, '' where it is so already. */
      readonly difference?: string;
    }
  | { readonly ok: false; readonly code: 'no_such_service' | 'refused' | 'unavailable'; readonly message: string }
  | ManagedElsewhere;
