/**
 * One small Kubernetes for all test files of a process, each in namespaces of its own: the first that asks starts it, and it ends when
 * all tests have. Whoever stops it starts it again before the test ends.
 */
import { type KubeServers, startKubeServers } from './kube-servers.ts';

let shared: Promise<KubeServers> | null = null;

export function sharedKubeServers(): Promise<KubeServers> {
  shared ??= startKubeServers();
  return shared;
}

// Of mocha's root, as this file is loaded outside of any `describe`.
after(async () => {
  const kube = await shared?.catch(() => null);
  await kube?.stop();
});
