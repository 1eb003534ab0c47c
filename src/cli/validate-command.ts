/**
 * `validate`: every error of one or more configurations, each on a line that editors can jump to. No server is needed.
 */
import { Command } from 'commander';
import { formatConfigError } from '../migration/errors.ts';
import { EXIT_NO } from './failure.ts';
import { helpTail } from './options.ts';
import { plain, printData, printNote } from './streams.ts';

export function validateCommand(): Command {
  return new Command('validate')
    .summary('check configuration files')
    .description(
      'Checks configurations, each for itself, and prints every error as FILE:LINE:COLUMN: PATH: message.\nA FILE may also be a ConfigMap manifest, or - for standard input.',
    )
    .argument('<file...>', 'what to check')
    .addHelpText(
      'after',
      helpTail(
        [
          'migration-proxy validate config/migration.yaml',
          'kubectl get cm migration -o yaml | migration-proxy validate -',
        ],
        ['0  no errors', '1  errors', '2  a file cannot be read, or usage'],
      ),
    )
    .action(validate);
}

async function validate(files: readonly string[]): Promise<void> {
  const { readConfiguration } = await import('./read-configuration.ts');
  const { sourceText } = await import('./source-text.ts');
  const texts = await Promise.all(files.map(async (file) => ({ file, text: await sourceText(file) })));
  let wrong = 0;
  for (const { file, text } of texts) {
    const { errors, services } = await readConfiguration(file, text);
    for (const error of errors) printData(plain(formatConfigError(error)));
    wrong += errors.length;
    if (errors.length === 0) printNote(`${file}: no errors, ${count(services.length, 'service')}`);
  }
  if (wrong === 0) return;
  printNote(count(wrong, 'error'));
  process.exitCode = EXIT_NO;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
