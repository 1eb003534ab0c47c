/**
 * Where etcd, kube-apiserver, kubectl and helm are that tests start: a name in, a path out. The test run hands the paths over
 * in TEST_ETCD and so on; a file that mocha runs directly finds the same ones. Refuses to build any: that takes minutes.
 */
import { findProgram, type KubernetesProgram } from '../../scripts/test/kubernetes-servers.ts';

const known = new Map<KubernetesProgram, Promise<string>>();

/** Throws where there is none, with the command that makes one. */
export function kubeProgram(program: KubernetesProgram): Promise<string> {
  const path = known.get(program) ?? find(program);
  known.set(program, path);
  return path;
}

async function find(program: KubernetesProgram): Promise<string> {
  const path = await findProgram(program);
  if (path === null) throw new Error(`no ${program} here: \`node scripts/test/kubernetes-servers.ts\` builds it, once`);
  return path;
}
