/**
 * `update`: another percentage for one service, through the running proxy or straight in a file; or only the difference that
 * it would make.
 */
import { Command } from 'commander';
import { percentage } from './arguments.ts';
import { adminOption, helpTail, localConfigOption, reasonOption } from './options.ts';
import { plain, printData } from './streams.ts';

interface UpdateOptions {
  readonly admin: URL;
  readonly reason?: string;
  readonly dryRun?: true;
  readonly localConfig?: string;
}

export function updateCommand(): Command {
  return new Command('update')
    .summary("change a service's percentage")
    .description(
      'Changes the percentage of a service in its source, where comments and order stay as they are.\nThe running proxy does it (--admin), or the command itself (--local-config).',
    )
    .argument('<name>', 'the service')
    .argument('<percent>', 'share of new: 0 to 100, at most two decimals', percentage)
    .option('-n, --dry-run', 'print the difference and change nothing')
    .addOption(reasonOption())
    .addOption(adminOption())
    .addOption(localConfigOption('edit this file instead of asking the running proxy'))
    .addHelpText(
      'after',
      helpTail(
        [
          'migration-proxy update api-name01 30 --reason "a quiet night at 20 %"',
          'migration-proxy update api-name01 30 --local-config config/migration.yaml --dry-run',
        ],
        [
          '0  done, or it was so already',
          '1  there is no such service',
          '2  refused, the file or the admin server cannot be had, or usage',
        ],
      ),
    )
    .action(update);
}

async function update(name: string, percent: number, options: UpdateOptions): Promise<void> {
  if (options.localConfig !== undefined) {
    const { updateFile } = await import('./update-file.ts');
    printData(await updateFile(options.localConfig, name, percent, options.dryRun ? 'diff' : 'write'));
    return;
  }
  const { askAdmin } = await import('./admin-client.ts');
  const path = `/api/v1/services/${encodeURIComponent(name)}`;
  if (options.dryRun) {
    const { differenceOf } = await import('../controller/difference.ts');
    const served = (await askAdmin(options.admin, { path })) as { readonly percentage: number };
    const textAt = (value: number) => `percentage: ${value}\n`;
    process.stdout.write(differenceOf(`services/${name}`, textAt(served.percentage), textAt(percent)));
    return;
  }
  const answer = (await askAdmin(options.admin, {
    method: 'PATCH',
    path,
    body: { percentage: percent, reason: options.reason },
  })) as { readonly message: string };
  printData(plain(answer.message));
}
