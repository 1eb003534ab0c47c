/**
 * The tree of commands. Nothing here loads what a command needs to do its work: each does so itself once it is called.
 */
import { Command } from 'commander';
import { completeCommand, completionCommand } from './completion-command.ts';
import { demoCommand } from './demo-command.ts';
import { explainCommand } from './explain-command.ts';
import { historyCommand } from './history-command.ts';
import { abortCommand, resumeCommand } from './hold-commands.ts';
import { diffCommand, renderCommand } from './render-command.ts';
import { runCommand } from './run-command.ts';
import { statusCommand } from './status-command.ts';
import { updateCommand } from './update-command.ts';
import { validateCommand } from './validate-command.ts';
import { version } from './version.ts';

const HELP_TAIL = `
Exit codes of every command:
  0  done
  1  the answer is no: invalid, different, unhealthy, not found
  2  it could not be done: usage, unreachable, refused`;

export function buildProgram(): Command {
  const program = new Command('migration-proxy')
    .description(
      "Moves a service's traffic from an old cluster to a new one, share by share, and back when the new one fails.",
    )
    .addHelpText('after', HELP_TAIL)
    .addCommand(runCommand())
    .addCommand(demoCommand())
    .addCommand(statusCommand())
    .addCommand(updateCommand())
    .addCommand(abortCommand())
    .addCommand(resumeCommand())
    .addCommand(explainCommand())
    .addCommand(historyCommand())
    .addCommand(validateCommand())
    .addCommand(renderCommand())
    .addCommand(diffCommand())
    .addCommand(completionCommand())
    .addCommand(versionCommand());
  program.addCommand(
    completeCommand(() => program),
    { hidden: true },
  );
  // The version is a file away: read only when asked for.
  program.option('-V, --version', 'print the version').on('option:version', () => {
    process.stdout.write(`${version()}\n`);
    process.exit(0);
  });
  for (const command of [program, ...program.commands]) reportErrorsByThrowing(command);
  return program;
}

function versionCommand(): Command {
  return new Command('version')
    .summary('print the version')
    .description('Prints the version.')
    .action(() => {
      process.stdout.write(`${version()}\n`);
    });
}

/** One line for each error of usage, with the nearest right word where there is one. */
function reportErrorsByThrowing(command: Command): void {
  command.exitOverride().configureOutput({
    outputError: (text, write) => {
      const line = text
        .trim()
        .replace(/^error: /, '')
        .replace(/\s*\n\(Did/, ' (did')
        .replace(/\.$/, '');
      const hint = command.parent === null ? '' : ` ${command.name()}`;
      write(`migration-proxy${hint}: ${line}; --help tells more\n`);
    },
  });
}
