/**
 * Which version of a ConfigMap's configuration this is, who made it, and its place among others. In: the object. Out: plain facts.
 * Refuses to know what the text says.
 */

import { OWN_MANAGER } from '../controller/source-versions.ts';
import type { SourceVersion } from '../migration/candidates.ts';
import type { ConfigMapObject } from './api.ts';
import { CHANGE_NOTES } from './change-notes.ts';

export const CONFIG_KEY = 'migration.yaml';

export function versionOf({ meta }: ConfigMapObject): SourceVersion {
  const manager = managerOfText({ meta });
  const { annotations } = meta;
  const isOurs = manager === OWN_MANAGER && annotations[CHANGE_NOTES.at] !== undefined;
  return {
    uid: meta.uid,
    resourceVersion: meta.resourceVersion,
    by: isOurs ? (annotations[CHANGE_NOTES.by] ?? manager) : manager,
    reason: isOurs ? (annotations[CHANGE_NOTES.reason] ?? '') : '',
    ...(manager === null ? {} : { manager }),
  };
}

/** The older first, then by name: equal on every replica. */
export function orderOf({ meta }: ConfigMapObject): string {
  return `${meta.creationTimestamp} ${meta.namespace}/${meta.name}`;
}

/**
 * Of those who own the key, who wrote last. Several own it where they agree on its value (server-side apply), and times have
 * whole seconds: then the one that the server lists last. Null: the server keeps no managed fields.
 */
function managerOfText({ meta }: Pick<ConfigMapObject, 'meta'>): string | null {
  let newest: { manager: string; time: string } | null = null;
  for (const { manager, time, fields } of meta.managedFields) {
    const data = (fields as { 'f:data'?: Record<string, unknown> } | null)?.['f:data'];
    if (data?.[`f:${CONFIG_KEY}`] === undefined || manager === '') continue;
    if (newest === null || time >= newest.time) newest = { manager, time };
  }
  return newest?.manager ?? null;
}
