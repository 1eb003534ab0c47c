/**
 * `run`: the flags of the proxy, each with its environment twin (`--listen`: MIGRATION_PROXY_LISTEN). What they make runs
 * elsewhere and is loaded only then.
 */
import { Command, Option } from 'commander';
import { durationMs, instanceName, wholeNumber } from './arguments.ts';
import { cannot } from './failure.ts';
import { helpTail, listenOption } from './options.ts';
import { LOG_LEVELS, type RunOptions } from './run-options.ts';

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
  'MIGRATION_PROXY_LISTEN=127.0.0.1:9000 migration-proxy run --local-config -  < migration.yaml',
];

const EXIT_CODES = [
  '0  ended by SIGTERM or SIGINT after draining; a second one ends it at once (SIGHUP reads the file again)',
  '2  it could not start (no configuration, a port in use, ...) or broke down; standard error says why',
];

function runFlags(): Option[] {
  const flag = (flags: string, description: string) => new Option(flags, description);
  const duration = (flags: string, description: string, fallback: string) =>
    flag(flags, description).argParser(durationMs).default(durationMs(fallback), fallback);
  const number = (flags: string, description: string, fallback: number, least: number, most: number) =>
    flag(flags, description).argParser(wholeNumber(least, most)).default(fallback);
  return [
    flag('--local-config <file>', 'the configuration: a file, watched from then on, or - for standard input'),
    flag('--data-plane <plane>', 'what takes the traffic').choices(['direct']).default('direct'),
    listenOption('--listen <host:port>', 'where traffic comes in', ':8000'),
    listenOption('--admin-listen <host:port>', 'admin server: status, metrics, API', '127.0.0.1:8080'),
    flag('--state-dir <dir>', 'keeps fallbacks, holds and the last good configuration over restarts'),
    flag('--admin-token-file <file>', 'writes to the API must then show the token in this file'),
    flag('--access-log <which>', 'lines on standard output').choices(['off', 'errors', 'all']).default('errors'),
    flag('--instance <name>', 'our name in Via').argParser(instanceName).default('migration-proxy'),
    duration('--drain-delay <duration>', 'at SIGTERM: not ready, but taking traffic, for so long', '0s'),
    duration('--drain-timeout <duration>', 'then requests may end within this', '30s'),
    number('--max-connections <number>', 'of clients; 0: no limit', 10_000, 0, 1_000_000),
    number('--max-head-bytes <number>', "of a request's head", 32 * 1024, 1_024, 1024 * 1024),
    duration('--head-timeout <duration>', "for a client's whole head", '10s'),
    duration('--body-timeout <duration>', "between two pieces of a client's body", '30s'),
    duration('--keep-alive-timeout <duration>', 'of an idle client connection', '75s'),
    duration('--send-timeout <duration>', 'for a client to take a piece of its answer', '60s'),
    number('--retry-body-bytes <number>', 'of a body held for another attempt', 64 * 1024, 0, 16 * 1024 * 1024),
    flag('--log-level <level>', 'least level of the log').choices(LOG_LEVELS).default('info'),
  ];
}

/** `--admin-listen` is MIGRATION_PROXY_ADMIN_LISTEN. */
function withTwin(option: Option): Option {
  return option.env(`MIGRATION_PROXY_${option.name().replaceAll('-', '_').toUpperCase()}`);
}
