/**
 * Percentages that somebody wrote through us and that another manager of the object set back: a tool that keeps the object as it
 * stands in its own repository undoes every edit that was not committed there. In: changes of percentages as they are applied.
 * Out: which of them is such a revert.
 */

export interface PercentageChange {
  readonly service: string;
  /** Per cent. */
  readonly from: number;
  readonly to: number;
  readonly by: string;
  readonly atMs: number;
  /** `own`: written through us. */
  readonly through: 'own' | 'another';
}

/** Later it is somebody's own decision, rather than a tool that undoes. */
const WITHIN_MS = 3_600_000;

export class Reverts {
  readonly #own = new Map<string, PercentageChange>();

  /** The change of ours that this one sets back; null: it is none. */
  next(change: PercentageChange): PercentageChange | null {
    const { service, to, atMs, through } = change;
    const ours = this.#own.get(service) ?? null;
    if (through === 'own') this.#own.set(service, change);
    else this.#own.delete(service);
    if (through === 'own' || ours === null) return null;
    return to === ours.from && atMs - ours.atMs <= WITHIN_MS ? ours : null;
  }
}
