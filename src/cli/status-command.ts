/**
 * `status`: how every service stands, for people (a table, the worst first) or for programs (the server's own JSON).
 */
import { Command } from 'commander';
import type { StatusReport } from '../status/report.ts';
import { durationMs } from './arguments.ts';
import { CliFailure, EXIT_NO } from './failure.ts';
import { adminOption, helpTail, outputOption } from './options.ts';
import { plain, printData, printNote, stdoutPainter } from './streams.ts';

interface StatusOptions {
  readonly admin: URL;
  readonly output: 'table' | 'json' | 'yaml';
  readonly watch?: true;
  readonly interval?: number;
  readonly replica?: string;
}

const PAUSE_MS = 2_000;
const SHORTEST_PAUSE_MS = 100;
const CLEAR_SCREEN = '\x1b[2J\x1b[3J\x1b[H';

export function statusCommand(): Command {
  return new Command('status')
    .summary('how every service stands, worst first')
    .description('Shows how every service stands, the worst first.')
    .addOption(adminOption())
    .addOption(outputOption('table', 'json', 'yaml'))
    .option('-w, --watch', 'show it again and again until Ctrl-C (with json: one line each time)')
    .option('--interval <duration>', 'pause between two looks of --watch (default: 2s)', durationMs)
    .option('--replica <name>', 'ask for this replica instead of the one that answers at --admin')
    .addHelpText(
      'after',
      helpTail(
        [
          'migration-proxy status',
          'migration-proxy status --watch',
          'migration-proxy status --replica migration-proxy-7d4b9c-x2x7q',
          "migration-proxy status -o json | jq '.services[] | {name, state, new_share}'",
        ],
        [
          '0  all is well',
          '1  a service is fallen back, held, stale or in error, the proxy is not ready, or nginx does not take the configuration',
          '2  the admin server cannot be reached, or usage',
        ],
      ),
    )
    .action(showStatus);
}

async function showStatus(options: StatusOptions): Promise<void> {
  const { isHealthy } = await import('./status-order.ts');
  if (options.watch) return watch(options);
  const status = await fetchStatus(options);
  printData(await render(status, options));
  if (!isHealthy(status)) process.exitCode = EXIT_NO;
}

/** Ends by a signal, or when nobody reads any more. */
async function watch(options: StatusOptions): Promise<never> {
  const { setTimeout: pause } = await import('node:timers/promises');
  let first = true;
  for (;;) {
    try {
      const text = await render(await fetchStatus(options), options);
      if (process.stdout.isTTY && options.output === 'table') process.stdout.write(CLEAR_SCREEN);
      else if (!first && options.output !== 'json') printData(options.output === 'yaml' ? '---' : '\n');
      printData(text);
      first = false;
    } catch (error) {
      if (!(error instanceof CliFailure)) throw error;
      // A proxy that restarts is no reason to stop looking; one that was never there is.
      if (first) throw error;
      printNote(`migration-proxy: ${plain(error.message)}`);
    }
    await pause(Math.max(SHORTEST_PAUSE_MS, options.interval ?? PAUSE_MS));
  }
}

async function fetchStatus({ admin, replica }: StatusOptions): Promise<StatusReport> {
  const { askAdmin } = await import('./admin-client.ts');
  const path = replica === undefined ? '/status' : `/api/v1/replicas/${encodeURIComponent(replica)}/status`;
  return (await askAdmin(admin, { path })) as StatusReport;
}

async function render(status: StatusReport, { output, watch: again }: StatusOptions): Promise<string> {
  if (output === 'json') return JSON.stringify(status, null, again ? 0 : 2);
  if (output === 'yaml') return (await import('yaml')).stringify(status);
  const { renderStatus } = await import('./status-table.ts');
  return renderStatus(status, Date.now(), stdoutPainter()).join('\n');
}
