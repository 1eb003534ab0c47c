/**
 * `history`: what happened to the services, the newest last: who changed what, when, from what to what and why; what was refused, and
 * what fell back.
 */
import { Command } from 'commander';
import { type HistoryEntry, MOST_ENTRIES } from '../status/history-entries.ts';
import { wholeNumber } from './arguments.ts';
import { adminOption, helpTail, outputOption } from './options.ts';
import { printData, printNote, stdoutPainter } from './streams.ts';

interface HistoryOptions {
  readonly admin: URL;
  readonly limit?: number;
  readonly output: 'table' | 'json' | 'yaml';
  readonly json?: true;
}

export function historyCommand(): Command {
  return new Command('history')
    .summary('what happened, newest last')
    .description('Shows the last changes of one service or of all, the newest last: who, when, from, to and why.')
    .argument('[name]', 'the service')
    .option('--limit <number>', `only so many, the newest (default: ${MOST_ENTRIES})`, wholeNumber(1, MOST_ENTRIES))
    .addOption(outputOption('table', 'json', 'yaml'))
    .option('--json', 'the same as --output json')
    .addOption(adminOption())
    .addHelpText(
      'after',
      helpTail(
        [
          'migration-proxy history',
          'migration-proxy history api-name01 --limit 10',
          "migration-proxy history --json | jq -r '.entries[].message'",
        ],
        ['0  shown', '1  there is no such service', '2  the admin server cannot be reached, or usage'],
      ),
    )
    .action(showHistory);
}

async function showHistory(name: string | undefined, { admin, json, limit, output }: HistoryOptions): Promise<void> {
  const { askAdmin } = await import('./admin-client.ts');
  const query = new URLSearchParams();
  if (name !== undefined) query.set('service', name);
  if (limit !== undefined) query.set('limit', String(limit));
  const path = query.size === 0 ? '/api/v1/history' : `/api/v1/history?${query}`;
  const answer = (await askAdmin(admin, { path })) as { readonly entries: readonly HistoryEntry[] };
  if (json || output === 'json') return printData(JSON.stringify(answer, null, 2));
  if (output === 'yaml') return printData((await import('yaml')).stringify(answer));
  if (answer.entries.length === 0) return printNote('migration-proxy: nothing has happened yet');
  const { renderHistory } = await import('./history-table.ts');
  printData(renderHistory(answer.entries, stdoutPainter()).join('\n'));
}
