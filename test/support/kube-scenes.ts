/**
 * API servers for the suite in whose `describe` it is called, and scenes of edits on them: hooks of mocha. What a test starts ends
 * with it, the last first.
 */
import { EditScene } from './kube-edits.ts';
import { type KubeServers, startKubeServers } from './kube-servers.ts';

export interface KubeScenes {
  /** Within hooks and tests. */
  readonly kube: KubeServers;
  /** As `EditScene.start`. */
  start(name: string, options?: Parameters<typeof EditScene.start>[2]): Promise<EditScene>;
  /** After the test, before what was started earlier ends. */
  ending(end: () => Promise<unknown>): void;
}

export function kubeScenes(): KubeScenes {
  let kube: KubeServers | null = null;
  const endings: (() => Promise<unknown>)[] = [];
  before(async () => {
    kube = await startKubeServers();
  });
  after(() => kube?.stop());
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });
  return {
    get kube() {
      if (kube === null) throw new Error('no API server yet: ask within a hook or a test');
      return kube;
    },
    async start(name, options) {
      const scene = await EditScene.start(this.kube, name, options);
      this.ending(() => scene.end());
      return scene;
    },
    ending: (end) => endings.push(end),
  };
}
