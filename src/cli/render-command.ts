/**
 * `render` and `diff`: the nginx text of a configuration, whole or against the one that runs. Neither touches nginx.
 */
import { Command, type Option } from 'commander';
import { nginxVersion } from './arguments.ts';
import { cannot, EXIT_NO, reasonOf } from './failure.ts';
import type { NginxText, TextOptions } from './nginx-text.ts';
import { helpTail } from './options.ts';
import { plain, printData, printNote } from './streams.ts';
import { flag, trafficFlags, withTwin } from './traffic-flags.ts';

interface RenderOptions extends TextOptions {
  readonly resolve?: true;
}

export function renderCommand(): Command {
  const command = textCommand('render')
    .summary("print nginx's text of a configuration")
    .description(
      'Prints the text that `run --data-plane nginx` would install for the good services of FILE, given the same flags.\nBackends stand as they are written, so that no network is asked; FILE may be a ConfigMap manifest, or -.',
    )
    .addOption(flag('--resolve', 'addresses instead of names, as `run` installs them'))
    .addHelpText(
      'after',
      helpTail(
        [
          'migration-proxy render config/migration.yaml > nginx.conf',
          'migration-proxy render config/migration.yaml --nginx-version 1.28.0 --listen :8080 --nginx-dir /var/lib/proxy',
        ],
        [
          '0  done',
          '1  some services are in error, and not in the text as they stand in FILE',
          '2  it cannot be rendered',
        ],
      ),
    );
  return command.action(async (file: string, options: RenderOptions) => {
    const { nginxTextOf } = await import('./nginx-text.ts');
    const made = await nginxTextOf(file, options, options.resolve ? 'addresses' : 'names');
    printData(made.text);
    tell(made);
    if (made.errors.length > 0) process.exitCode = EXIT_NO;
  });
}

export function diffCommand(): Command {
  const command = textCommand('diff')
    .summary('compare a configuration with what nginx runs')
    .description(
      'Prints a unified diff from the text that nginx runs here to the one that FILE would give, names resolved.\nGive the flags that `run` has; --nginx-dir or --listen says which nginx.',
    )
    .addHelpText(
      'after',
      helpTail(
        ['migration-proxy diff config/migration.yaml', 'migration-proxy diff new.yaml --nginx-dir /var/lib/proxy'],
        ['0  equal', '1  different', '2  it cannot be said: no nginx of ours was there, FILE cannot be read'],
      ),
    );
  return command.action(async (file: string, options: TextOptions) => {
    const { nginxDirectory } = await import('./nginx-settings.ts');
    const running = await runningText(`${nginxDirectory(options)}/nginx.conf`);
    const { nginxTextOf } = await import('./nginx-text.ts');
    const { differenceOf } = await import('../controller/difference.ts');
    const made = await nginxTextOf(file, options, 'addresses');
    tell(made);
    const difference = differenceOf('nginx.conf', running, made.text);
    printData(difference);
    if (difference !== '') process.exitCode = EXIT_NO;
  });
}

function textCommand(name: string): Command {
  const command = new Command(name).argument('<file>', 'a configuration');
  const version: Option = flag(
    '--nginx-version <version>',
    'of the nginx that is to read it; without it: the one here',
  );
  for (const option of trafficFlags()) command.addOption(withTwin(option));
  return command.addOption(version.argParser(nginxVersion));
}

async function runningText(path: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw cannot(
      `cannot read what nginx runs, ${path}: ${reasonOf(error)}; --nginx-dir or --listen says which nginx is meant`,
    );
  }
}

function tell({ errors, warnings }: NginxText): void {
  for (const error of errors) printNote(plain(error));
  for (const warning of warnings) printNote(plain(`warning: ${warning}`));
}
