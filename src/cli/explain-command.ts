/**
 * `explain`: where a request would go and why, asked of the running proxy (with the fallback as it stands) or worked out from
 * a file (as if steady).
 */
import { Command } from 'commander';
import type { SourcedExplanation } from '../allocator/explanation.ts';
import { cookiePair, headerLine, type NameAndValue } from './arguments.ts';
import { cannot } from './failure.ts';
import { adminOption, helpTail, localConfigOption, OUTPUT_FORMATS, outputOption } from './options.ts';
import { printData, stdoutPainter } from './streams.ts';

interface ExplainOptions {
  readonly admin: URL;
  readonly localConfig?: string;
  readonly header?: readonly NameAndValue[];
  readonly cookie?: readonly NameAndValue[];
  readonly ip?: string;
  readonly user?: string;
  readonly output: 'text' | 'json' | 'yaml';
}

export function explainCommand(): Command {
  return new Command('explain')
    .summary('where a request would go, and why')
    .description('Explains which cluster a request would go to, by which rule, and at which percentage it would flip.')
    .argument('<name>', 'the service')
    .option('--header <line>', '"Name: value" of the request; may be repeated', headerLine)
    .option('--cookie <pair>', '"name=value" of the request; may be repeated', cookiePair)
    .option('--ip <address>', "the client's address")
    .option('--user <id>', 'the user, put into the header that the service takes it from')
    .addOption(outputOption('text', ...OUTPUT_FORMATS))
    .addOption(adminOption())
    .addOption(localConfigOption('explain from this file, without a running proxy and as if nothing had failed'))
    .addHelpText(
      'after',
      helpTail(
        [
          'migration-proxy explain api-name01 --user 42',
          'migration-proxy explain api-name01 --header "X-Migration-Target: new" --ip 10.1.2.3 -o json',
          'migration-proxy explain api-name01 --user 42 --local-config config/migration.yaml',
        ],
        ['0  explained', '1  there is no such service', '2  the file or the admin server cannot be had, or usage'],
      ),
    )
    .action(explain);
}

async function explain(name: string, options: ExplainOptions): Promise<void> {
  const { parseIp } = await import('../allocator/ip.ts');
  if (options.ip !== undefined && parseIp(options.ip) === null) {
    throw cannot(`--ip ${options.ip} is no IP address; for example --ip 10.1.2.3`);
  }
  const explanation =
    options.localConfig === undefined
      ? await askProxy(name, options)
      : await (await import('./explain-file.ts')).explainFromFile(options.localConfig, name, {
          headers: options.header ?? [],
          cookies: options.cookie ?? [],
          ip: options.ip ?? null,
          user: options.user ?? null,
        });
  if (options.output === 'json') return printData(JSON.stringify(explanation, null, 2));
  if (options.output === 'yaml') return printData((await import('yaml')).stringify(explanation));
  const { renderExplanation } = await import('./explain-text.ts');
  printData(renderExplanation(explanation, stdoutPainter()).join('\n'));
}

async function askProxy(name: string, options: ExplainOptions): Promise<SourcedExplanation> {
  const query = new URLSearchParams();
  for (const header of options.header ?? []) query.append('header', `${header.name}: ${header.value}`);
  for (const cookie of options.cookie ?? []) query.append('cookie', `${cookie.name}=${cookie.value}`);
  if (options.ip !== undefined) query.append('ip', options.ip);
  if (options.user !== undefined) query.append('user', options.user);
  const { askAdmin } = await import('./admin-client.ts');
  const path = `/api/v1/services/${encodeURIComponent(name)}/explain${query.size > 0 ? `?${query}` : ''}`;
  return (await askAdmin(options.admin, { path })) as SourcedExplanation;
}
