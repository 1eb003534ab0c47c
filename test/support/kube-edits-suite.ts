/**
 * A number of edits of a ConfigMap, live on three replicas under load on kept connections: how many, by what hand and within what
 * time in, tests for a data plane out. With nginx each edit is a reload, at which requests on idle kept connections may go
 * unanswered: those alone may fail (docs/nginx.md).
 */
import { expect } from 'chai';
import { EditScene, toldTwice } from './kube-edits.ts';
import type { KubeServers } from './kube-servers.ts';

export interface KubeEdits {
  /** Running when the tests begin. */
  readonly kube: () => KubeServers;
  readonly plane: 'direct' | 'nginx';
  readonly edits: number;
  /** `patch` counts from before the request, `kubectl` from kubectl's end. */
  readonly by: 'kubectl' | 'patch';
  /** From the edit until all obey. */
  readonly liveWithinMs: number;
  readonly limitMs: number;
}

export function kubeEdits({ kube, plane, edits, by, liveWithinMs, limitMs }: KubeEdits): void {
  describe(`${edits} edits of a ConfigMap, ${plane}`, function () {
    this.timeout(limitMs);
    let scene: EditScene;

    before(async () => {
      scene = await EditScene.start(kube(), `edits-${plane}`, { plane });
    });
    after(() => scene?.end());

    it('are live on three replicas, each once, and no request fails', async () => {
      scene.load();
      const before = await scene.replicas.each(({ proxy }) => proxy.status());
      const took: number[] = [];
      for (let at = 0; at < edits; at++) {
        const percentages = { shop: at % 2 === 0 ? 100 : 0, mail: 1 + at / 4 };
        const startedMs = performance.now();
        if (by === 'patch') await scene.patch(scene.text(percentages));
        else if (at === 0)
          await scene.kubectlEdit('-e s/percentage:.0/percentage:\\ 100/ -e s/percentage:.50/percentage:\\ 1/');
        else await scene.kubectlPatch(scene.text(percentages));
        const sinceMs = by === 'patch' ? startedMs : performance.now();
        took.push(...(await scene.obeyed(`edit ${at}`, percentages, sinceMs, liveWithinMs)));
      }
      console.log(`      live at a replica within ms: ${percentilesOf(took)}`);

      await scene.onlyExcused(plane);
      const statuses = await scene.replicas.each(({ proxy }) => proxy.status());
      for (const [i, status] of statuses.entries()) {
        expect(status.generation, status.replica).to.equal(before[i].generation + edits);
        expect(status.config_hash).to.equal(statuses[0].config_hash);
        expect(status.config.errors).to.deep.equal([]);
        for (const service of status.services) expect(service).to.include({ state: 'steady', stale: false });
      }
      // The share of shop goes to and fro, and what comes too soon is told a minute later.
      const others = (await scene.events()).filter(({ message }) => !message.startsWith('shop: '));
      expect(toldTwice(others)).to.deep.equal([]);
    });
  });
}

function percentilesOf(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  return `p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, most ${at(1)}`;
}
