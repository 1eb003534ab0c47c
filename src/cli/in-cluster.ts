/**
 * The Kubernetes side of `run`: flags in, a source of configuration and a place among the replicas out. Nothing of it is loaded
 * without a Kubernetes source: the client's package alone takes half a second.
 */
import type { ClusterLink } from '../controller/cluster-link.ts';
import type { ConfigSource } from '../controller/config-source.ts';
import type { Log } from '../controller/log.ts';
import type { SharedValues } from '../controller/shared-values.ts';
import type { Selection } from '../kubernetes/api.ts';
import type { OwnReplica } from '../kubernetes/own-replica.ts';
import { now, setTimer } from './clock.ts';
import { cannot } from './failure.ts';
import type { RunOptions } from './run-options.ts';

export interface InCluster {
  readonly source: ConfigSource;
  /** Run states are shared in it. */
  readonly values: SharedValues;
  /** Once. */
  join(own: OwnReplica): ClusterLink;
}

/** Asks nothing of the API server yet. Throws CliFailure (code 2) where no server is named. */
export async function inCluster(options: RunOptions, log: Log): Promise<InCluster> {
  const { connect } = await import('../kubernetes/connect.ts');
  const { Cluster, labelsOf } = await import('../kubernetes/cluster.ts');
  const { ConfigMapSource } = await import('../kubernetes/config-map-source.ts');
  const { editConfigMap } = await import('../kubernetes/config-map-edit.ts');
  const { EventWriter } = await import('../kubernetes/event-writer.ts');
  const { SharedConfigMap } = await import('../kubernetes/shared-config-map.ts');
  const { watchOne } = await import('../kubernetes/watch-one.ts');

  const { configmap, instance, kubeconfig } = options;
  const api = await connect(kubeconfig === undefined ? {} : { kubeconfig }).catch((error: Error) => {
    throw cannot(`no API server to ask: ${error.message}`);
  });
  const around = { now, random: Math.random, setTimer };
  const namespace = configmap?.namespace ?? process.env.POD_NAMESPACE ?? api.namespace;
  let cluster: InstanceType<typeof Cluster> | null = null;
  const source = new ConfigMapSource({
    api,
    selection: selectionOf(options),
    ...around,
    log,
    edit: (edit, objects, learn) => editConfigMap(api, edit, objects, learn),
    onConnection: (connection) => cluster?.connection(connection),
  });
  const name = `${instance}-state`;
  const values = new SharedConfigMap({
    api,
    namespace,
    name,
    labels: labelsOf(instance, 'state'),
    ...around,
    watch: (heard) => {
      const isAnswering = () => source.apiServer().connected;
      return watchOne({ api, namespace, name, ...around, isAnswering, log }, heard);
    },
  });
  return {
    source,
    values,
    join: (own) => {
      const events = new EventWriter({ api, instance: own.name, ...around, log });
      const apiServer = () => source.apiServer();
      const { server } = api;
      cluster = new Cluster({ api, server, namespace, instance, values, events, apiServer, ...around, log }, own);
      return cluster;
    },
  };
}

function selectionOf({ configmap, namespace, selector }: RunOptions): Selection {
  if (configmap !== undefined) return { kind: 'one', ...configmap };
  return { kind: 'labelled', namespace: namespace ?? null, labels: selector ?? '' };
}
