import { expect } from 'chai';
import { missingRight } from './missing-right.ts';

const WHO = 'User "system:serviceaccount:shop:migration-proxy"';

describe('the right that a refusal says is missing', () => {
  it('is a line of a Role, with the object, in its namespace', () => {
    const message = `configmaps "migration-config" is forbidden: ${WHO} cannot list resource "configmaps" in API group "" in the namespace "shop"`;
    expect(missingRight(message)).to.equal(
      'what is missing is, in a Role in namespace shop: - { apiGroups: [""], resources: [configmaps], resourceNames: [migration-config], verbs: [get, list, watch] }',
    );
  });

  it('has the one verb of a change, its API group, and no name where the server does not look at names', () => {
    const lease = `leases.coordination.k8s.io "m" is forbidden: ${WHO} cannot patch resource "leases" in API group "coordination.k8s.io" in the namespace "shop"`;
    expect(missingRight(lease)).to.include(
      '{ apiGroups: ["coordination.k8s.io"], resources: [leases], resourceNames: [m], verbs: [patch] }',
    );
    const event = `events is forbidden: ${WHO} cannot create resource "events" in API group "" in the namespace "shop": RBAC: role "x" not found`;
    expect(missingRight(event)).to.include('{ apiGroups: [""], resources: [events], verbs: [create] }');
  });

  it('is a line of a ClusterRole for all namespaces', () => {
    const message = `configmaps is forbidden: ${WHO} cannot watch resource "configmaps" in API group "" at the cluster scope`;
    expect(missingRight(message)).to.match(/^what is missing is, in a ClusterRole: .*verbs: \[get, list, watch\] \}$/);
  });

  it('is none for refusals that no right would mend', () => {
    expect(missingRight('configmaps "x" is forbidden: unable to create new content in namespace shop')).to.equal(null);
    expect(missingRight('admission webhook "w" denied the request: no')).to.equal(null);
    expect(missingRight('')).to.equal(null);
  });
});
