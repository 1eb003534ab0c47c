/**
 * `run`: the flags of the proxy, each with its environment twin (`--listen`: MIGRATION_PROXY_LISTEN). What they make runs
 * elsewhere and is loaded only then.
 */
import { Command, type Option } from 'commander';
import { configMapName, givenOnce, labelSelector, namespaceName } from './arguments.ts';
import { cannot } from './failure.ts';
import { helpTail, kubeconfigOption, listenOption } from './options.ts';
import { LOG_LEVELS, type RunOptions } from './run-options.ts';
import { duration, flag, trafficFlags, withTwin } from './traffic-flags.ts';

const CHOICES =
  '--local-config FILE, --configmap NAMESPACE/NAME or --selector LABELS (or their twins, such as MIGRATION_PROXY_CONFIGMAP)';

export function runCommand(): Command {
  const command = new Command('run').summary('run the proxy').description(DESCRIPTION);
  for (const option of runFlags()) command.addOption(withTwin(option));
  return command.addHelpText('after', helpTail(EXAMPLES, EXIT_CODES)).action(async (options: Partial<RunOptions>) => {
    refuseSources(options);
    const { runProxy } = await import('./run-proxy.ts');
    await runProxy(options as RunOptions);
  });
}

/** Which one is meant is not guessed. Throws CliFailure (code 2). */
function refuseSources({ configmap, kubeconfig, localConfig, namespace, selector }: Partial<RunOptions>): void {
  const sources = { '--local-config': localConfig, '--configmap': configmap, '--selector': selector };
  const given = Object.entries(sources).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length === 0) throw cannot(`no configuration to run; give ${CHOICES}, or try \`migration-proxy demo\``);
  if (given.length > 1)
    throw cannot(`${given.join(' and ')} are given, and one source is all there is: give ${CHOICES}`);
  if (namespace !== undefined && selector === undefined) {
    throw cannot('--namespace goes with --selector; of one ConfigMap give --configmap NAMESPACE/NAME');
  }
  if (kubeconfig !== undefined && localConfig !== undefined) {
    throw cannot('--kubeconfig goes with --configmap or --selector; --local-config needs no Kubernetes');
  }
}

const DESCRIPTION =
  'Runs the proxy: takes traffic, sends each request to the old or the new cluster, and goes back to old by itself when new fails. Prints its addresses when it is ready.';

const EXAMPLES = [
  'migration-proxy run --local-config config/migration.yaml --state-dir /var/lib/migration-proxy',
  'migration-proxy run --configmap migration-proxy/migration-config --state-dir /var/lib/migration-proxy',
  'migration-proxy run --selector migration-proxy/config=true --namespace shops',
  'migration-proxy run --local-config config/migration.yaml --data-plane nginx',
  'MIGRATION_PROXY_LISTEN=127.0.0.1:9000 migration-proxy run --local-config -  < migration.yaml',
];

const EXIT_CODES = [
  '0  ended by SIGTERM or SIGINT after draining; a second one ends it at once (SIGHUP reads the file again)',
  '2  it could not start (no configuration, a port in use, ...) or broke down; standard error says why',
];

function runFlags(): Option[] {
  return [
    flag('--local-config <file>', 'the configuration: a file, watched from then on, or - for standard input'),
    flag('--configmap <namespace/name>', 'or: this ConfigMap, followed through the API server').argParser(
      givenOnce(configMapName),
    ),
    flag('--selector <labels>', 'or: all ConfigMaps with these labels').argParser(labelSelector),
    flag('--namespace <name>', 'of those ConfigMaps; without it: all namespaces').argParser(namespaceName),
    kubeconfigOption(),
    flag('--data-plane <plane>', 'what takes the traffic').choices(['direct', 'nginx']).default('direct'),
    listenOption('--admin-listen <host:port>', 'admin server: status, metrics, API', '127.0.0.1:8080'),
    flag('--state-dir <dir>', 'keeps fallbacks, holds and the last good configuration over restarts'),
    flag('--admin-token-file <file>', 'writes to the API must then show the token in this file'),
    duration('--drain-delay <duration>', 'at SIGTERM: not ready, but taking traffic, for so long', '0s'),
    duration('--drain-timeout <duration>', 'then requests may end within this', '30s'),
    ...trafficFlags(),
    flag('--nginx-start <by>', 'who starts nginx: we, or nginx-beside.sh in a container beside us')
      .choices(['self', 'beside'])
      .default('self'),
    flag('--log-level <level>', 'least level of the log').choices(LOG_LEVELS).default('info'),
  ];
}
