/**
 * 200 edits of a ConfigMap in each data plane, live on three replicas under load: how soon is printed.
 * @needs kubernetes nginx
 */
import { kubeEdits } from '../support/kube-edits-suite.ts';
import { type KubeServers, startKubeServers } from '../support/kube-servers.ts';

describe('many edits of ConfigMaps', function () {
  this.timeout(100_000);
  let kube: KubeServers;
  before(async () => {
    kube = await startKubeServers();
  });
  after(() => kube?.stop());

  const limits = { edits: 200, by: 'patch', limitMs: 900_000 } as const;
  kubeEdits({ kube: () => kube, plane: 'direct', liveWithinMs: 1_000, ...limits });
  kubeEdits({ kube: () => kube, plane: 'nginx', liveWithinMs: 3_000, ...limits });
});
