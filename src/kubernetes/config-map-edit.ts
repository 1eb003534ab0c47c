/**
 * Another percentage in the ConfigMap that holds a service. In: the objects as they are known, and what is wanted. Out: done, shown,
 * or why not. Every other byte of the text stays; the write has the version that was read as its condition, so that nothing that
 * somebody else wrote meanwhile is lost. Refuses to know what becomes of the edit: the source hears of it as of any other.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { editPercentage } from '../controller/config-reader.ts';
import type { EditResult, PercentageEdit } from '../controller/config-source.ts';
import type { Edited } from '../migration/edit.ts';
import { type ConfigMapObject, type KubeApi, KubeFailure, type MergePatch } from './api.ts';
import { changeNotes } from './change-notes.ts';
import { CONFIG_KEY as KEY, orderOf } from './config-map-version.ts';
import { type OwnerTool, ownerToolOf } from './managed-by.ts';

/** Of writers that race one wins each time: of 20 at once nobody needed more than 7 tries (80 edits on a real API server). */
const TRIES = 12;
const SHORTEST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 640;
/** The command line waits 10 s. */
const PATIENCE_MS = 7_000;

const WITHOUT_ANSWER: ReadonlySet<string> = new Set(['timeout', 'unreachable', 'server']);

export interface EditSurroundings {
  /** Epoch ms. */
  readonly now: () => number;
  /** 0..1. */
  readonly random: () => number;
  readonly pause: (ms: number) => Promise<unknown>;
}

type Fine = Edited & { readonly ok: true };
type Api = Pick<KubeApi, 'getConfigMap' | 'patchConfigMap'>;

/** `learn` is given what the API server answered to a write, before this resolves. */
export async function editConfigMap(
  api: Api,
  edit: PercentageEdit,
  objects: ReadonlyMap<string, ConfigMapObject>,
  learn: (object: ConfigMapObject) => void,
  around: EditSurroundings = { now: Date.now, random: Math.random, pause: sleep },
): Promise<EditResult> {
  const found = await holderOf(edit, objects);
  if (!('meta' in found)) return found;
  const endMs = around.now() + PATIENCE_MS;
  let isDoubtful = false;
  for (let tries = 1; ; tries++) {
    try {
      const result = await editOnce(api, edit, found.meta, learn, around.now());
      if (result !== 'again') return result;
    } catch (error) {
      if (!(error instanceof KubeFailure)) throw error;
      // Nobody knows whether a write without an answer took effect. To look, and do it again if need be, is the same edit.
      const looksAgain = !isDoubtful && WITHOUT_ANSWER.has(error.kind) && around.now() < endMs;
      if (!looksAgain) return { ok: false, code: 'unavailable', message: error.message };
      isDoubtful = true;
    }
    if (tries >= TRIES || around.now() >= endMs) {
      const message = `${labelOf(found)}: others keep changing it; the edit was not written after ${tries} tries`;
      return { ok: false, code: 'unavailable', message };
    }
    const mostMs = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** (tries - 1));
    await around.pause(mostMs * (0.5 + around.random() / 2));
  }
}

/** Of several that hold the service the oldest serves it: the order of the sources. */
async function holderOf(
  edit: PercentageEdit,
  objects: ReadonlyMap<string, ConfigMapObject>,
): Promise<ConfigMapObject | EditResult> {
  const inOrder = [...objects.values()].sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  let refusal: EditResult | null = null;
  for (const object of inOrder) {
    const text = object.data[KEY];
    // A look that costs next to nothing: of a thousand texts few have the name.
    if (text === undefined || !text.includes(edit.service)) continue;
    const edited = await editPercentage(text, labelOf(object), edit.service, edit.percentage);
    if (edited.ok || edited.code === 'bad_value') return object;
    if (edited.code === 'refused') refusal ??= { ok: false, code: 'refused', message: edited.message };
  }
  if (refusal !== null) return refusal;
  const where = inOrder.length === 1 ? `${labelOf(inOrder[0])} has no` : `none of ${inOrder.length} ConfigMaps has a`;
  return { ok: false, code: 'no_such_service', message: `${where} service named ${JSON.stringify(edit.service)}` };
}

async function editOnce(
  api: Api,
  edit: PercentageEdit,
  at: { readonly namespace: string; readonly name: string },
  learn: (object: ConfigMapObject) => void,
  nowMs: number,
): Promise<EditResult | 'again'> {
  const object = await api.getConfigMap(at.namespace, at.name);
  const label = `configmap:${at.namespace}/${at.name}`;
  const text = object?.data[KEY];
  if (object === null || text === undefined) {
    const message = `${label} ${object === null ? 'was deleted' : `has no key ${KEY}`}`;
    return { ok: false, code: 'unavailable', message };
  }
  const edited = await editPercentage(text, label, edit.service, edit.percentage);
  if (!edited.ok) {
    return { ok: false, code: edited.code === 'no_such_service' ? edited.code : 'refused', message: edited.message };
  }
  const owner = ownerToolOf(object.meta, KEY);
  const done = { ok: true, from: edited.from, to: edited.to } as const;
  if (edit.mode === 'preview') {
    const difference = await differenceIn(label, text, edited.text);
    return {
      ...done,
      difference,
      ...(owner === null ? {} : { note: `${owned(label, owner)}: commit this to ${owner.place}` }),
    };
  }
  if (edited.text === text) {
    learn(object);
    return done;
  }
  if (owner !== null && edit.scope === 'own') {
    const message = `${owned(label, owner)}, which would undo an edit here: nothing was written. Commit the difference to ${owner.place}; abort and resume are run state, which nobody has to commit, and work all the same`;
    const difference = await differenceIn(label, text, edited.text);
    return { ok: false, code: 'managed', message, manager: owner.tool, difference };
  }
  try {
    learn(
      await api.patchConfigMap(at.namespace, at.name, { kind: 'merge', body: patchOf(object, edit, edited, nowMs) }),
    );
  } catch (error) {
    const refusal = error instanceof KubeFailure ? refusalOf(error, at, edited, edit) : null;
    if (refusal === null) throw error;
    return refusal;
  }
  if (owner === null) return done;
  return { ...done, note: `${owned(label, owner)} and will probably undo this: commit it to ${owner.place} too` };
}

function patchOf({ meta }: ConfigMapObject, edit: PercentageEdit, { text, from }: Fine, nowMs: number): MergePatch {
  const { resourceVersion } = meta;
  return { metadata: { resourceVersion, annotations: changeNotes(edit, from, nowMs) }, data: { [KEY]: text } };
}

/** `again`: somebody was faster. Null: a failure that says it best itself. */
function refusalOf(
  failure: KubeFailure,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  { line }: Fine,
  edit: PercentageEdit,
): EditResult | 'again' | null {
  if (failure.kind === 'conflict') return 'again';
  const byHand = `by hand: kubectl -n ${namespace} edit configmap ${name}, there line ${line} of ${KEY} becomes percentage: ${edit.percentage}`;
  if (failure.kind === 'forbidden') {
    const permission = `verb patch on configmaps ${JSON.stringify(name)} in namespace ${JSON.stringify(namespace)}`;
    return {
      ok: false,
      code: 'refused',
      message: `permission is missing: ${permission} (${failure.message}); ${byHand}`,
    };
  }
  if (failure.kind === 'invalid' || failure.kind === 'too_large') {
    return { ok: false, code: 'refused', message: `${failure.message}; ${byHand}` };
  }
  return null;
}

function owned(label: string, { tool, evidence }: OwnerTool): string {
  return `${label} is managed by ${tool} (${evidence})`;
}

async function differenceIn(label: string, before: string, after: string): Promise<string> {
  const { differenceOf } = await import('../controller/difference.ts');
  return differenceOf(label, before, after);
}

function labelOf({ meta }: ConfigMapObject): string {
  return `configmap:${meta.namespace}/${meta.name}`;
}
