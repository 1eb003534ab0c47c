/**
 * `abort` and `resume`: hold a service on its old cluster whatever the rules say, and let it go again.
 */
import { Command } from 'commander';
import { adminOption, helpTail, reasonOption } from './options.ts';
import { printAnswer, type WriteAnswer } from './write-answer.ts';

interface HoldOptions {
  readonly admin: URL;
  readonly reason?: string;
}

const EXIT_CODES = [
  '0  done; where the other replicas do not know it yet, standard error says so',
  '1  there is no such service',
  '2  refused, the admin server cannot be reached, or usage',
];

export function abortCommand(): Command {
  return new Command('abort')
    .summary('hold a service on the old cluster')
    .description(
      'Sends all traffic of a service to its old cluster, over restarts, until `resume`.\nThis is run state and no part of the configuration: it works whoever manages that.',
    )
    .argument('<name>', 'the service')
    .addOption(reasonOption())
    .addOption(adminOption())
    .addHelpText('after', helpTail(['migration-proxy abort api-name01 --reason "errors at checkout"'], EXIT_CODES))
    .action((name: string, options: HoldOptions) => act('abort', name, options));
}

export function resumeCommand(): Command {
  return new Command('resume')
    .summary('end a hold or a fallback')
    .description('Ends a hold, or a fallback: the service is steady at once, with its counters cleared.')
    .argument('<name>', 'the service')
    .addOption(reasonOption())
    .addOption(adminOption())
    .addHelpText('after', helpTail(['migration-proxy resume api-name01 --reason "fixed in 1.4.2"'], EXIT_CODES))
    .action((name: string, options: HoldOptions) => act('resume', name, options));
}

async function act(verb: 'abort' | 'resume', name: string, { admin, reason }: HoldOptions): Promise<void> {
  const { askAdmin } = await import('./admin-client.ts');
  const answer = (await askAdmin(admin, {
    method: 'POST',
    path: `/api/v1/services/${encodeURIComponent(name)}/${verb}`,
    body: { reason },
  })) as WriteAnswer;
  printAnswer(answer);
}
