/**
 * `kill -9` of a replica while it writes states that all share: what is shared is whole, and it agrees when it is back. Many more
 * of it in test/full. @together kube-journeys @needs kubernetes
 */
import { killAtRandom } from '../support/kube-kills-suite.ts';
import type { KubeServers } from '../support/kube-servers.ts';
import { sharedKubeServers } from '../support/shared-kube.ts';

describe('kill -9 around a write of shared states', function () {
  this.timeout(100_000);
  let kube: KubeServers;

  before(async () => {
    kube = await sharedKubeServers();
  });

  it('three times, at any moment', () => killAtRandom(kube, 3, Math.random));
});
