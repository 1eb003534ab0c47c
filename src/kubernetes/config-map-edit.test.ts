import { expect } from 'chai';
import type { EditResult, PercentageEdit } from '../controller/config-source.ts';
import { type ConfigMapObject, KubeFailure, type MergePatch, type ObjectMeta, type Patch } from './api.ts';
import { editConfigMap } from './config-map-edit.ts';

const TEXT = `# ours\nservices:\n  - name: shop   # the shop\n    migration: { percentage: 20, enabled: true }\n`;
const NOW_MS = Date.parse('2026-01-02T03:04:05.678Z');

function object(name: string, text: string | null, meta: Partial<ObjectMeta> = {}): ConfigMapObject {
  return {
    meta: {
      namespace: 'ns',
      name,
      uid: `uid-${name}`,
      resourceVersion: '7',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: {},
      annotations: {},
      managedFields: [],
      ...meta,
    },
    data: text === null ? {} : { 'migration.yaml': text },
    binaryData: {},
  };
}

/** The API server's side: objects with versions, and what a test lets happen before a patch. */
class Objects {
  readonly kept = new Map<string, ConfigMapObject>();
  readonly patches: { readonly name: string; readonly body: MergePatch }[] = [];
  readonly learnt: string[] = [];
  readonly pausesMs: number[] = [];
  beforePatch: () => void = () => {};
  afterPatch: () => void = () => {};

  constructor(...objects: ConfigMapObject[]) {
    for (const each of objects) this.kept.set(each.meta.name, each);
  }

  async getConfigMap(_namespace: string, name: string) {
    return this.kept.get(name) ?? null;
  }

  async patchConfigMap(_namespace: string, name: string, patch: Patch): Promise<ConfigMapObject> {
    if (patch.kind !== 'merge') throw new Error('a merge patch is expected');
    this.beforePatch();
    const body = patch.body as { metadata: { resourceVersion: string }; data: Record<string, string> };
    const now = this.kept.get(name)!;
    if (body.metadata.resourceVersion !== now.meta.resourceVersion)
      throw new KubeFailure('conflict', 'conflict', { status: 409 });
    this.patches.push({ name, body: patch.body });
    const after = this.write(name, body.data['migration.yaml']);
    this.afterPatch();
    return after;
  }

  write(name: string, text: string): ConfigMapObject {
    const { meta } = this.kept.get(name)!;
    const after = object(name, text, { ...meta, resourceVersion: String(Number(meta.resourceVersion) + 1) });
    this.kept.set(name, after);
    return after;
  }

  textOf(name: string): string {
    return this.kept.get(name)!.data['migration.yaml'];
  }

  /** `known`: what the source knows, where that is not what there is. */
  edit(wish: Partial<PercentageEdit> = {}, known = [...this.kept.values()]): Promise<EditResult> {
    let nowMs = NOW_MS;
    const edit = {
      service: 'shop',
      percentage: 30,
      who: 'cli:ada',
      reason: 'quiet',
      scope: 'own',
      mode: 'write',
      ...wish,
    } as const;
    const pause = async (ms: number) => {
      this.pausesMs.push(ms);
      nowMs += ms;
    };
    const around = { now: () => nowMs, random: () => 0.5, pause };
    const objects = new Map(known.map((each) => [`ns/${each.meta.name}`, each]));
    return editConfigMap(this, edit, objects, (learnt) => this.learnt.push(learnt.meta.resourceVersion), around);
  }
}

describe('an edit of a ConfigMap', () => {
  it('changes this one number, over the version that was read, and leaves who, when, why and what', async () => {
    const objects = new Objects(object('a', TEXT));
    expect(await objects.edit()).to.deep.equal({ ok: true, from: 20, to: 30 });
    expect(objects.textOf('a')).to.equal(TEXT.replace('20', '30'));
    expect(objects.patches[0].body.metadata).to.deep.equal({
      resourceVersion: '7',
      annotations: {
        'migration-proxy/changed-by': 'cli:ada',
        'migration-proxy/changed-at': '2026-01-02T03:04:05.678Z',
        'migration-proxy/change-reason': 'quiet',
        'migration-proxy/changed-services': 'shop: 20 -> 30',
      },
    });
    expect(objects.learnt).to.deep.equal(['8']);
    await objects.edit({ percentage: 31, reason: '' });
    const { annotations } = objects.patches[1].body.metadata as { annotations: Record<string, unknown> };
    expect(annotations['migration-proxy/change-reason'], 'the old reason goes').to.equal(null);
  });

  it('writes nothing where it is so already, as it stands there now and not as it was known', async () => {
    const objects = new Objects(object('a', TEXT));
    expect(await objects.edit({ percentage: 20 })).to.deep.equal({ ok: true, from: 20, to: 20 });
    expect(objects.patches).to.have.length(0);
    const known = object('a', TEXT.replace('20', '30'));
    expect(await objects.edit({}, [known])).to.deep.equal({ ok: true, from: 20, to: 30 });
    expect(objects.patches).to.have.length(1);
  });

  it('is of the oldest object that holds the service, else of none', async () => {
    const objects = new Objects(
      object('a', TEXT, { creationTimestamp: '2026-01-03T00:00:00Z' }),
      object('b', TEXT),
      object('c', TEXT),
      object('d', '# shop is not here\nservices: []\n', { creationTimestamp: '2025-01-01T00:00:00Z' }),
      object('e', null, { creationTimestamp: '2025-01-01T00:00:00Z' }),
      object('f', ': shop: {', { creationTimestamp: '2025-01-01T00:00:00Z' }),
    );
    await objects.edit();
    expect(objects.patches.map(({ name }) => name)).to.deep.equal(['b']);
    expect(await objects.edit({ service: 'nobody' })).to.deep.equal({
      ok: false,
      code: 'no_such_service',
      message: 'none of 6 ConfigMaps has a service named "nobody"',
    });
    const one = await new Objects(object('a', TEXT)).edit({ service: 'nobody' });
    expect(one).to.include({ message: 'configmap:ns/a has no service named "nobody"' });
  });

  it('loses nothing that somebody else wrote meanwhile', async () => {
    const objects = new Objects(object('a', TEXT));
    let others = 3;
    objects.beforePatch = () => {
      if (others-- > 0) objects.write('a', `${objects.textOf('a')}# another line\n`);
    };
    expect(await objects.edit()).to.include({ ok: true, from: 20, to: 30 });
    expect(objects.textOf('a')).to.equal(`${TEXT.replace('20', '30')}${'# another line\n'.repeat(3)}`);
    expect(objects.pausesMs).to.deep.equal([15, 30, 60]);
  });

  it('gives up in words when others never stop, and when the object goes', async () => {
    const objects = new Objects(object('a', TEXT));
    objects.beforePatch = () => void objects.write('a', objects.textOf('a'));
    const never = await objects.edit();
    expect(never).to.include({ ok: false, code: 'unavailable' });
    expect(never)
      .to.have.property('message')
      .that.matches(/^configmap:ns\/a: others keep changing it.*after \d+ tries$/);
    const known = [...objects.kept.values()];
    objects.kept.clear();
    const gone = await objects.edit({}, known);
    expect(gone).to.deep.equal({ ok: false, code: 'unavailable', message: 'configmap:ns/a was deleted' });
  });

  it('looks again when the answer to its write was lost: the edit is there once', async () => {
    const objects = new Objects(object('a', TEXT));
    objects.afterPatch = () => {
      throw new KubeFailure('timeout', 'no answer');
    };
    expect(await objects.edit()).to.deep.equal({ ok: true, from: 30, to: 30 });
    expect([objects.patches.length, objects.learnt]).to.deep.equal([1, ['8']]);
    objects.getConfigMap = async () => {
      throw new KubeFailure('unreachable', 'the API server does not answer');
    };
    expect(await objects.edit({ percentage: 40 })).to.deep.equal({
      ok: false,
      code: 'unavailable',
      message: 'the API server does not answer',
    });
  });

  it('says which permission is missing, and what to edit by hand', async () => {
    const objects = new Objects(object('a', TEXT));
    objects.beforePatch = () => {
      throw new KubeFailure('forbidden', 'configmaps "a" is forbidden', { status: 403 });
    };
    const refused = await objects.edit();
    expect(refused).to.deep.equal({
      ok: false,
      code: 'refused',
      message:
        'permission is missing: verb patch on configmaps "a" in namespace "ns" (configmaps "a" is forbidden); by hand: kubectl -n ns edit configmap a, there line 4 of migration.yaml becomes percentage: 30',
    });
    objects.beforePatch = () => {
      throw new KubeFailure('invalid', 'field is immutable', { status: 422 });
    };
    expect(await objects.edit())
      .to.include({ code: 'refused' })
      .and.to.have.property('message')
      .that.includes('immutable');
  });

  it('is refused where the text cannot be edited safely', async () => {
    const anchored = TEXT.replace('{ percentage: 20, enabled: true }', '&shared { percentage: 20 }');
    const objects = new Objects(object('a', anchored));
    expect(await objects.edit()).to.include({ ok: false, code: 'refused' });
    expect(objects.patches).to.have.length(0);
  });

  describe('that another tool owns', () => {
    const annotations = { 'argocd.argoproj.io/tracking-id': 'shop:/ConfigMap:ns/a' };
    let objects: Objects;
    beforeEach(() => {
      objects = new Objects(object('a', TEXT, { annotations }));
    });

    it('is not made: the tool, what says so, and the difference to commit come back', async () => {
      const result = await objects.edit();
      expect(result).to.include({ ok: false, code: 'managed', manager: 'Argo CD' });
      expect(result).to.have.property('message').that.includes('annotation argocd.argoproj.io/tracking-id: shop:');
      expect(result)
        .to.have.property('difference')
        .that.includes('-    migration: { percentage: 20, enabled: true }\n+    migration: { percentage: 30,');
      expect(objects.patches).to.have.length(0);
    });

    it('is made when forced, and the answer says who will probably undo it', async () => {
      const result = await objects.edit({ scope: 'even_if_managed' });
      expect(result).to.include({ ok: true, from: 20, to: 30 });
      expect(result)
        .to.have.property('note')
        .that.matches(/managed by Argo CD .* will probably undo this/);
      expect(objects.textOf('a')).to.include('percentage: 30');
    });

    it('can be looked at, whoever owns it', async () => {
      const result = await objects.edit({ mode: 'preview' });
      expect(result)
        .to.include({ ok: true })
        .and.to.have.property('difference')
        .that.includes('+    migration: { percentage: 30');
      expect(result).to.have.property('note').that.includes('commit this to');
      const same = await objects.edit({ mode: 'preview', percentage: 20 });
      expect(same).to.include({ ok: true, difference: '' });
      expect(objects.patches).to.have.length(0);
    });

    it('needs no commit where it is so already', async () => {
      expect(await objects.edit({ percentage: 20 })).to.include({ ok: true, to: 20 });
    });
  });
});
