/**
 * Flags that say how traffic is taken, each with its environment twin (`--listen`: MIGRATION_PROXY_LISTEN): `run` obeys them,
 * and the text for nginx depends on them.
 */
import { Option } from 'commander';
import { durationMs, instanceName, wholeNumber } from './arguments.ts';
import { listenOption } from './options.ts';

export const flag = (flags: string, description: string): Option => new Option(flags, description);

export const duration = (flags: string, description: string, fallback: string): Option =>
  flag(flags, description).argParser(durationMs).default(durationMs(fallback), fallback);

export function trafficFlags(): Option[] {
  const number = (flags: string, description: string, fallback: number, least: number, most: number) =>
    flag(flags, description).argParser(wholeNumber(least, most)).default(fallback);
  return [
    listenOption('--listen <host:port>', 'where traffic comes in', ':8000'),
    flag('--access-log <which>', 'lines on standard output').choices(['off', 'errors', 'all']).default('errors'),
    flag('--instance <name>', 'our name in Via; in Kubernetes the names of our objects begin with it')
      .argParser(instanceName)
      .default('migration-proxy'),
    number('--max-connections <number>', 'of clients; 0: no limit', 10_000, 0, 1_000_000),
    number('--max-head-bytes <number>', "of a request's head", 32 * 1024, 1_024, 1024 * 1024),
    duration('--head-timeout <duration>', "for a client's whole head", '10s'),
    duration('--body-timeout <duration>', "between two pieces of a client's body", '30s'),
    duration('--keep-alive-timeout <duration>', 'of an idle client connection', '75s'),
    duration('--send-timeout <duration>', 'for a client to take a piece of its answer', '60s'),
    number('--retry-body-bytes <number>', 'of a body held for another attempt', 64 * 1024, 0, 16 * 1024 * 1024),
    flag('--nginx <file>', 'the nginx to run').default('nginx'),
    flag('--nginx-dir <dir>', 'its files, best in memory; without it: a directory in /dev/shm by user and port'),
    flag('--nginx-workers <number>', 'its worker processes; without it: one a core that we may use').argParser(
      wholeNumber(1, 512),
    ),
    duration('--nginx-shutdown-timeout <duration>', 'after a reload, streams under way may last so long', '5m'),
    flag('--nginx-access-log <file>', 'its own access log, with backends and times'),
    flag('--nginx-gzip <which>', 'compress answers').choices(['off', 'on']).default('off'),
  ];
}

/** `--admin-listen` is MIGRATION_PROXY_ADMIN_LISTEN. */
export function withTwin(option: Option): Option {
  return option.env(`MIGRATION_PROXY_${option.name().replaceAll('-', '_').toUpperCase()}`);
}
