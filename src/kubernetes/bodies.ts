/**
 * What is sent: our plain values in, the API's objects as JSON values out. Knows the forms that the API insists on.
 */
import { OWN_MANAGER } from '../controller/source-versions.ts';
import type { EventObject, NewConfigMap, NewLease, Patch } from './api.ts';
import { microTime } from './micro-time.ts';

/** As whom we own fields, and who Events say they are from. */
export const FIELD_MANAGER = OWN_MANAGER;

/** The content type says which kind of patch it is. */
export function patchBody(patch: Patch) {
  return patch.kind === 'json'
    ? { contentType: 'application/json-patch+json', value: patch.operations }
    : { contentType: 'application/merge-patch+json', value: patch.body };
}

export function configMapBody({ namespace, name, labels, data, binaryData }: NewConfigMap) {
  return {
    metadata: { name, namespace, labels: { ...labels } },
    ...(data === undefined ? {} : { data: { ...data } }),
    ...(binaryData === undefined ? {} : { binaryData: { ...binaryData } }),
  };
}

export function leaseBody(lease: NewLease) {
  const { namespace, name, labels, annotations, holder, durationSeconds, renewMs } = lease;
  const time = microTime(renewMs);
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
export function eventBody({ namespace, name, type, reason, message, atMs, about, instance }: EventObject) {
  const at = new Date(atMs).toISOString();
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
