/**
 * `update` straight in a ConfigMap, without a proxy: with the rights of whoever runs the command, and as careful as the proxy
 * itself. Loads the Kubernetes client, which takes half a second.
 */
import type { PercentageEdit } from '../controller/config-source.ts';
import type { ConfigMapName } from './arguments.ts';
import { answerNo, cannot, ManagedElsewhere } from './failure.ts';
import { plain, printNote } from './streams.ts';

/** The line, or the difference, to print. Throws CliFailure. */
export async function updateConfigMap(
  { namespace, name }: ConfigMapName,
  kubeconfig: string | undefined,
  edit: PercentageEdit,
): Promise<string> {
  const label = `configmap:${namespace}/${name}`;
  const [{ connect }, { KubeFailure }, { editConfigMap }] = await Promise.all([
    import('../kubernetes/connect.ts'),
    import('../kubernetes/api.ts'),
    import('../kubernetes/config-map-edit.ts'),
  ]);
  const api = await connect(kubeconfig === undefined ? {} : { kubeconfig }).catch((error: Error) => {
    throw cannot(`cannot reach Kubernetes: ${error.message}`);
  });
  try {
    const object = await api.getConfigMap(namespace, name);
    if (object === null) throw cannot(`there is no ConfigMap ${namespace}/${name}`);
    const result = await editConfigMap(api, edit, new Map([[label, object]]), () => {});
    if (!result.ok)
      throw result.code === 'managed' ? new ManagedElsewhere(result.message, result.difference) : failureOf(result);
    if (result.note !== undefined) printNote(`migration-proxy: ${plain(result.note)}`);
    if (edit.mode === 'preview') return result.difference ?? '';
    if (result.from === result.to) return `${label}: ${edit.service}: it is ${result.to} % already`;
    return `${label}: ${edit.service}: ${result.from === null ? 'not set' : `${result.from} %`} -> ${result.to} %`;
  } catch (error) {
    throw error instanceof KubeFailure ? cannot(error.message) : error;
  } finally {
    api.close();
  }
}

function failureOf({ code, message }: { readonly code: string; readonly message: string }) {
  return code === 'no_such_service' ? answerNo(message) : cannot(message);
}
