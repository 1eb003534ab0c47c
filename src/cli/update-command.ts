/**
 * `update`: another percentage for one service, through the running proxy or straight in its source; or only the difference that
 * it would make.
 */
import { Command, Option } from 'commander';
import type { PercentageEdit } from '../controller/config-source.ts';
import { type ConfigMapName, configMapName, givenOnce, percentage } from './arguments.ts';
import { cannot, ManagedElsewhere } from './failure.ts';
import { adminOption, helpTail, kubeconfigOption, localConfigOption, reasonOption } from './options.ts';
import { plain, printData, printNote } from './streams.ts';
import { printAnswer, printDifference, type WriteAnswer } from './write-answer.ts';

interface UpdateOptions {
  readonly admin: URL;
  readonly reason?: string;
  readonly dryRun?: true;
  readonly force?: true;
  readonly localConfig?: string;
  readonly configmap?: ConfigMapName;
  readonly kubeconfig?: string;
}

export function updateCommand(): Command {
  return new Command('update')
    .summary("change a service's percentage")
    .description(
      'Changes the percentage of a service in its source, where comments and order stay as they are.\nThe running proxy does it (--admin), or the command itself (--local-config, --configmap).',
    )
    .argument('<name>', 'the service')
    .argument('<percent>', 'share of new: 0 to 100, at most two decimals', percentage)
    .option('-n, --dry-run', 'print the difference and change nothing')
    .option('--force', 'also where Argo CD, Flux or Helm manages the ConfigMap and will probably undo it')
    .addOption(reasonOption())
    .addOption(adminOption())
    .addOption(localConfigOption('edit this file instead of asking the running proxy').conflicts('configmap'))
    .addOption(
      new Option('--configmap <namespace/name>', 'edit this ConfigMap, with your own rights').argParser(
        givenOnce(configMapName),
      ),
    )
    .addOption(kubeconfigOption('with --configmap: '))
    .addHelpText(
      'after',
      helpTail(
        [
          'migration-proxy update api-name01 30 --reason "a quiet night at 20 %"',
          'migration-proxy update api-name01 30 --local-config config/migration.yaml --dry-run',
          'migration-proxy update api-name01 30 --configmap migration-proxy/migration-config',
        ],
        [
          '0  done, or it was so already',
          '1  there is no such service',
          '2  refused, another tool manages the source (the difference to commit is printed), the source or the admin server cannot be had, or usage',
        ],
      ),
    )
    .action(update);
}

async function update(name: string, percent: number, options: UpdateOptions): Promise<void> {
  try {
    await (options.localConfig === undefined ? inSource(name, percent, options) : inFile(options.localConfig));
  } catch (error) {
    if (!(error instanceof ManagedElsewhere)) throw error;
    printDifference(error.difference);
    throw cannot(`${error.message}; --force writes it all the same`);
  }

  async function inFile(file: string): Promise<void> {
    const { updateFile } = await import('./update-file.ts');
    printData(await updateFile(file, name, percent, options.dryRun ? 'diff' : 'write'));
  }
}

async function inSource(name: string, percent: number, options: UpdateOptions): Promise<void> {
  const { admin, configmap, dryRun, force, kubeconfig, reason } = options;
  if (kubeconfig !== undefined && configmap === undefined) {
    throw cannot('--kubeconfig goes with --configmap NAMESPACE/NAME; the admin server reaches Kubernetes by itself');
  }
  const { askAdmin, personAtWork } = await import('./admin-client.ts');
  if (configmap !== undefined) {
    const edit: PercentageEdit = {
      service: name,
      percentage: percent,
      who: personAtWork(),
      reason: reason ?? '',
      scope: force ? 'even_if_managed' : 'own',
      mode: dryRun ? 'preview' : 'write',
    };
    const { updateConfigMap } = await import('./update-config-map.ts');
    const text = await updateConfigMap(configmap, kubeconfig, edit);
    return dryRun ? printDifference(text) : printData(text);
  }
  // An older proxy refuses a key that it does not know: it never takes a dry run for a change.
  const body = { percentage: percent, reason, force, dry_run: dryRun };
  const path = `/api/v1/services/${encodeURIComponent(name)}`;
  const answer = (await askAdmin(admin, { method: 'PATCH', path, body })) as WriteAnswer & {
    readonly difference?: string;
  };
  if (!dryRun) return printAnswer(answer);
  printDifference(answer.difference ?? '');
  printNote(plain(answer.message));
}
