import { expect } from 'chai';
import type { ManagedFields, ObjectMeta } from './api.ts';
import { ownerToolOf } from './managed-by.ts';

const META: ObjectMeta = {
  namespace: 'shop',
  name: 'migration-config',
  uid: 'u',
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  labels: {},
  annotations: {},
  managedFields: [],
};

function entry(manager: string, fields: unknown, more: Partial<ManagedFields> = {}): ManagedFields {
  return { manager, operation: 'Apply', time: '', subresource: '', fields, ...more };
}

const TEXT = { 'f:data': { '.': {}, 'f:migration.yaml': {} } };
const toolOf = (meta: Partial<ObjectMeta>) => ownerToolOf({ ...META, ...meta }, 'migration.yaml')?.tool ?? null;

describe('which tool owns an object', () => {
  it('is nobody where people apply and edit', () => {
    expect(toolOf({})).to.equal(null);
    for (const manager of [
      'kubectl-edit',
      'kubectl-client-side-apply',
      'kubectl',
      'migration-proxy',
      'toString',
      'kube-controller-manager',
    ]) {
      expect(toolOf({ managedFields: [entry(manager, TEXT)] }), manager).to.equal(null);
    }
    expect(
      toolOf({ labels: { 'app.kubernetes.io/instance': 'shop', 'app.kubernetes.io/managed-by': 'migration-proxy' } }),
    ).to.equal(null);
  });

  it('is told by the marks that tools leave', () => {
    expect(toolOf({ annotations: { 'argocd.argoproj.io/tracking-id': 'shop:/ConfigMap:shop/x' } })).to.equal('Argo CD');
    expect(toolOf({ labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } })).to.equal('Flux');
    expect(toolOf({ labels: { 'helm.toolkit.fluxcd.io/namespace': 'apps' } })).to.equal('Flux');
    expect(toolOf({ annotations: { 'meta.helm.sh/release-name': 'shop' } })).to.equal('Helm');
  });

  it('is told by the field manager that owns the text, for those that leave no marks', () => {
    for (const [manager, tool] of [
      ['argocd-controller', 'Argo CD'],
      ['argocd-application-controller', 'Argo CD'],
      ['kustomize-controller', 'Flux'],
      ['helm-controller', 'Flux'],
      ['helm', 'Helm'],
    ] as const) {
      expect(toolOf({ managedFields: [entry('kubectl-edit', TEXT), entry(manager, TEXT)] }), manager).to.equal(tool);
      expect(toolOf({ managedFields: [entry(manager, { 'f:data': {} })] }), manager).to.equal(tool);
      expect(toolOf({ managedFields: [entry(manager, { 'f:data': { 'f:other': {} } })] }), manager).to.equal(null);
      expect(toolOf({ managedFields: [entry(manager, { 'f:metadata': { 'f:labels': {} } })] }), manager).to.equal(null);
      expect(toolOf({ managedFields: [entry(manager, TEXT, { subresource: 'status' })] }), manager).to.equal(null);
    }
    for (const fields of [null, 'x', 7, { 'f:data': null }]) {
      expect(toolOf({ managedFields: [entry('helm', fields)] })).to.equal(null);
    }
  });

  it('is not Flux where Flux is told to leave the object alone', () => {
    const labels = { 'kustomize.toolkit.fluxcd.io/name': 'apps' };
    const managedFields = [entry('kustomize-controller', TEXT)];
    expect(
      toolOf({ labels, managedFields, annotations: { 'kustomize.toolkit.fluxcd.io/reconcile': 'disabled' } }),
    ).to.equal(null);
    expect(
      toolOf({ labels, managedFields, annotations: { 'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent' } }),
    ).to.equal(null);
    expect(toolOf({ labels, managedFields, annotations: { 'kustomize.toolkit.fluxcd.io/ssa': 'Merge' } })).to.equal(
      'Flux',
    );
  });

  it('comes with its evidence, on one line and not too long', () => {
    const annotations = { 'argocd.argoproj.io/tracking-id': `a\nb\u202e${'x'.repeat(300)}` };
    const owner = ownerToolOf({ ...META, annotations }, 'migration.yaml');
    expect(owner?.evidence).to.match(/^annotation argocd\.argoproj\.io\/tracking-id: a b x+…$/);
    expect(owner?.evidence.length).to.be.lessThan(150);
    const managed = ownerToolOf({ ...META, managedFields: [entry('helm', TEXT)] }, 'migration.yaml');
    expect(managed?.evidence).to.equal('field manager helm');
  });
});
