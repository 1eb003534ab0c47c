/**
 * The right that a refusal by RBAC says is missing, as the line of a Role that grants it. In: the API server's own words. Out: what is
 * missing and where to put it; null for refusals of another kind (admission, quota), which no right would mend. Pure.
 */

/** `configmaps "x" is forbidden: User "y" cannot list resource "configmaps" in API group "" in the namespace "z"` (RBAC, since 1.12). */
const REFUSAL =
  /^\S+ (?:"(?<name>[^"]*)" )?is forbidden: User "[^"]*" cannot (?<verb>[a-z]+) resource "(?<resource>[^"]+)" in API group "(?<group>[^"]*)"(?: in the namespace "(?<namespace>[^"]+)")?/;

/** A watch begins with a list, and both ask for the same object. */
const READS = ['get', 'list', 'watch'];

export function missingRight(message: string): string | null {
  const found = REFUSAL.exec(message)?.groups;
  if (found === undefined) return null;
  const { group, name, namespace, resource, verb } = found;
  const names = name ? `, resourceNames: [${name}]` : '';
  const verbs = READS.includes(verb) ? READS : [verb];
  const rule = `- { apiGroups: ["${group}"], resources: [${resource}]${names}, verbs: [${verbs.join(', ')}] }`;
  const role = namespace === undefined ? 'a ClusterRole' : `a Role in namespace ${namespace}`;
  return `what is missing is, in ${role}: ${rule}`;
}
