/**
 * What the client package is given to send: our plain values in, its types out. Knows the forms that the API insists on.
 */
import { type CoreV1Event, PatchStrategy, setHeaderOptions, type V1Lease, V1MicroTime } from '@kubernetes/client-node';
import { OWN_MANAGER } from '../controller/source-versions.ts';
import type { EventObject, NewConfigMap, NewLease, Patch } from './api.ts';

/** As whom we own fields, and who Events say they are from. */
export const FIELD_MANAGER = OWN_MANAGER;

/** The default of the package is a JSON Patch whatever the body is. */
export function contentTypeOf(patch: Patch) {
  return setHeaderOptions('Content-Type', patch.kind === 'json' ? PatchStrategy.JsonPatch : PatchStrategy.MergePatch);
}

export function patchBody(patch: Patch): unknown {
  return patch.kind === 'json' ? patch.operations : patch.body;
}

export function configMapBody({ namespace, name, labels, data, binaryData }: NewConfigMap) {
  return {
    metadata: { name, namespace, labels: { ...labels } },
    ...(data === undefined ? {} : { data: { ...data } }),
    ...(binaryData === undefined ? {} : { binaryData: { ...binaryData } }),
  };
}

export function leaseBody(lease: NewLease): V1Lease {
  const { namespace, name, labels, annotations, holder, durationSeconds, renewMs } = lease;
  const time = new V1MicroTime(renewMs);
  return {
    metadata: { name, namespace, labels: { ...labels }, annotations: { ...annotations } },
    spec: {
      leaseDurationSeconds: durationSeconds,
      leaseTransitions: 0,
      renewTime: time,
      ...(holder === null ? {} : { holderIdentity: holder, acquireTime: time }),
    },
  };
}

/** Without `eventTime`: the form that `kubectl get events` sorts and shows everywhere. */
export function eventBody({ namespace, name, type, reason, message, atMs, about, instance }: EventObject): CoreV1Event {
  const at = new Date(atMs);
  return {
    metadata: { namespace, name },
    involvedObject: { apiVersion: 'v1', ...about },
    type,
    reason,
    message,
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
    source: { component: FIELD_MANAGER },
    reportingComponent: FIELD_MANAGER,
    reportingInstance: instance.slice(0, 128),
  };
}
