/**
 * Which tool keeps an object as it stands in a repository, and would undo an edit of it. In: the object's metadata. Out: the tool and
 * what says so, or null. Pure.
 *
 * Argo CD tracks by the annotation `argocd.argoproj.io/tracking-id` (its default since 3.0; with the method `label` its field
 * manager is what tells), Flux by the labels `kustomize.toolkit.fluxcd.io/name` and `helm.toolkit.fluxcd.io/name`, Helm 3 by the
 * annotation `meta.helm.sh/release-name`.
 */
import type { ManagedFields, ObjectMeta } from './api.ts';

export interface OwnerTool {
  /** `Argo CD` */
  readonly tool: string;
  /** `label kustomize.toolkit.fluxcd.io/name: apps` */
  readonly evidence: string;
  /** Where it takes the object from: what to change instead. */
  readonly place: string;
}

type Tool = Omit<OwnerTool, 'evidence'>;

const ARGO: Tool = { tool: 'Argo CD', place: "the application's repository" };
const FLUX: Tool = { tool: 'Flux', place: 'the repository that it follows' };
const HELM: Tool = { tool: 'Helm', place: "the release's chart or values" };

/** As each tool names itself in managedFields: by its own setting, or by its program. */
const FIELD_MANAGERS: Readonly<Record<string, Tool>> = {
  'argocd-controller': ARGO,
  'argocd-application-controller': ARGO,
  'kustomize-controller': FLUX,
  'helm-controller': FLUX,
  helm: HELM,
};

/** Null: nobody but people. `key`: of `data`, the text that is to be edited. */
export function ownerToolOf(meta: ObjectMeta, key: string): OwnerTool | null {
  const { annotations, labels, managedFields } = meta;
  const fluxLabel = Object.keys(labels).find((name) => /^(?:kustomize|helm)\.toolkit\.fluxcd\.io\//.test(name));
  const argo = 'argocd.argoproj.io/tracking-id';
  const helm = 'meta.helm.sh/release-name';
  if (argo in annotations) return { ...ARGO, evidence: evidence('annotation', argo, annotations) };
  if (fluxLabel !== undefined && !isLeftAlone(meta)) return { ...FLUX, evidence: evidence('label', fluxLabel, labels) };
  if (helm in annotations) return { ...HELM, evidence: evidence('annotation', helm, annotations) };
  const manager = managedFields.find((entry) => owns(entry, key) && toolOf(entry.manager, meta) !== null)?.manager;
  if (manager === undefined) return null;
  return { ...(toolOf(manager, meta) as Tool), evidence: `field manager ${manager}` };
}

function toolOf(manager: string, meta: ObjectMeta): Tool | null {
  const tool = Object.hasOwn(FIELD_MANAGERS, manager) ? FIELD_MANAGERS[manager] : null;
  return tool === FLUX && isLeftAlone(meta) ? null : tool;
}

/** What Flux is told on the object itself: not to apply it, not to apply it again, or to keep what others changed. */
function isLeftAlone({ annotations, labels }: ObjectMeta): boolean {
  const said = (name: string) => (annotations[name] ?? labels[name] ?? '').toLowerCase();
  return (
    said('kustomize.toolkit.fluxcd.io/reconcile') === 'disabled' ||
    ['ignore', 'ifnotpresent'].includes(said('kustomize.toolkit.fluxcd.io/ssa'))
  );
}

/** Of all of `data` where an entry says no more. */
function owns({ fields, subresource }: ManagedFields, key: string): boolean {
  if (subresource !== '' || typeof fields !== 'object' || fields === null) return false;
  const data = (fields as Record<string, unknown>)['f:data'];
  if (typeof data !== 'object' || data === null) return false;
  const keys = Object.keys(data).filter((name) => name !== '.');
  return keys.length === 0 || keys.includes(`f:${key}`);
}

function evidence(what: string, name: string, values: Readonly<Record<string, string>>): string {
  const value = values[name].replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
  return `${what} ${name}: ${value.length > 100 ? `${value.slice(0, 99)}…` : value}`;
}
