/**
 * The other replicas, as the fallback board sees them: who may be asked, what is shared, and whom to tell. Null in their place:
 * there are none. Refuses to know how anything is shared.
 */
import type { Consent, Phase } from '../fallback/state.ts';

/**
 * Something that this replica entered by itself. `trip` and `hold` are told whatever the others say; `resume` too, but for a
 * hold that another person placed; `reset` (by configuration, or a memory that is over) and `beat` only where nothing else
 * happened meanwhile.
 */
export type OwnChange = 'trip' | 'hold' | 'resume' | 'reset' | 'beat';

export interface Replicas {
  /** Whether the service may move toward new by itself just now. Asked while it is not steady, for each outcome. */
  consent(service: string): Consent;
  /** Whether this one makes the checks at the end of a wait. */
  leads(): boolean;
  /** The text that was read last. Null: untouched. Undefined: nothing was read yet. */
  shared(service: string): string | null | undefined;
  /** `before`: the phase that was left. */
  entered(service: string, what: OwnChange, before: Phase): void;
  /** A move toward new waits for `granted` or `refused`. */
  proposed(service: string): void;
}
