/**
 * What we ask, as the API's own paths: https://kubernetes.io/docs/reference/kubernetes-api/ says each of them. In: whom it is
 * about. Out: method, path and query, body. Written by hand: the client package makes them by classes for all 700 kinds of
 * object, which cost half a second of CPU to load. Refuses to know where the server is and what it answers.
 */
import { FIELD_MANAGER } from './bodies.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** Begins with a slash; the query is in it. */
  readonly path: string;
  readonly body?: Body;
}

interface Body {
  readonly contentType: string;
  readonly value: unknown;
}

export type Resource = 'configmaps' | 'events' | 'leases';
type Query = Readonly<Record<string, string>>;

const GROUPS: Readonly<Record<Resource, string>> = {
  configmaps: '/api/v1',
  events: '/api/v1',
  leases: '/apis/coordination.k8s.io/v1',
};

export function read(resource: Resource, namespace: string, name: string): ApiRequest {
  return { method: 'GET', path: `${collection(resource, namespace)}/${encodeURIComponent(name)}` };
}

/** `namespace` null: of all namespaces. A watch is a list with `watch=true`. */
export function list(resource: Resource, namespace: string | null, query: Query): ApiRequest {
  return { method: 'GET', path: withQuery(collection(resource, namespace), query) };
}

export function create(resource: Resource, namespace: string, value: unknown): ApiRequest {
  const path = withQuery(collection(resource, namespace), { fieldManager: FIELD_MANAGER });
  return { method: 'POST', path, body: { contentType: 'application/json', value } };
}

export function patch(resource: Resource, namespace: string, name: string, body: Body): ApiRequest {
  const { path } = read(resource, namespace, name);
  return { method: 'PATCH', path: withQuery(path, { fieldManager: FIELD_MANAGER }), body };
}

function collection(resource: Resource, namespace: string | null): string {
  const within = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${GROUPS[resource]}${within}/${resource}`;
}

function withQuery(path: string, query: Query): string {
  return `${path}?${new URLSearchParams(query)}`;
}
