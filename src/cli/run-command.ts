/**
 * `run`: the flags of the proxy, each with its environment twin (`--listen`: MIGRATION_PROXY_LISTEN). What they make runs
 * elsewhere and is loaded only then.
 */
import { Command, type Option } from 'commander';
import { cannot } from './failure.ts';
import { helpTail, listenOption } from './options.ts';
import { LOG_LEVELS, type RunOptions } from './run-options.ts';
import { duration, flag, trafficFlags, withTwin } from './traffic-flags.ts';

const NO_SOURCE =
  'no configuration to run; give --local-config FILE (or MIGRATION_PROXY_LOCAL_CONFIG), or try `migration-proxy demo`';

export function runCommand(): Command {
  const command = new Command('run').summary('run the proxy').description(DESCRIPTION);
  for (const option of runFlags()) command.addOption(withTwin(option));
  return command.addHelpText('after', helpTail(EXAMPLES, EXIT_CODES)).action(async (options: Partial<RunOptions>) => {
    if (options.localConfig === undefined) throw cannot(NO_SOURCE);
    const { runProxy } = await import('./run-proxy.ts');
    await runProxy(options as RunOptions);
  });
}

const DESCRIPTION =
  'Runs the proxy: takes traffic, sends each request to the old or the new cluster, and goes back to old by itself when new fails. Prints its addresses when it is ready.';

const EXAMPLES = [
  'migration-proxy run --local-config config/migration.yaml --state-dir /var/lib/migration-proxy',
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
