/**
 * The annotations that an edit of ours leaves on a user's ConfigMap: who, when, why, and what of which service. Pure. They say
 * something of the newest change only where that change is ours.
 */
import type { PercentageEdit } from '../controller/config-source.ts';

export const CHANGE_NOTES = {
  by: 'migration-proxy/changed-by',
  /** RFC 3339. */
  at: 'migration-proxy/changed-at',
  reason: 'migration-proxy/change-reason',
  /** `NAME: FROM -> TO`, in per cent. */
  services: 'migration-proxy/changed-services',
} as const;

/** As a merge patch has them: null removes what an earlier edit left. `from`: per cent, null where none stood there. */
export function changeNotes(edit: PercentageEdit, from: number | null, atMs: number): Record<string, string | null> {
  return {
    [CHANGE_NOTES.by]: edit.who,
    [CHANGE_NOTES.at]: new Date(atMs).toISOString(),
    [CHANGE_NOTES.reason]: edit.reason === '' ? null : edit.reason,
    [CHANGE_NOTES.services]: `${edit.service}: ${from ?? 'not set'} -> ${edit.percentage}`,
  };
}
