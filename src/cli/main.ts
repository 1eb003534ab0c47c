/**
 * The program's first line: arguments and environment in, an exit code out. Whatever a command throws ends here, once.
 */
import { CommanderError } from 'commander';
import { CliFailure, EXIT_CANNOT } from './failure.ts';
import { buildProgram } from './program.ts';
import { endQuietlyOnClosedPipe, plain, printNote } from './streams.ts';

endQuietlyOnClosedPipe();
forgetEmptyVariables();
const program = buildProgram();
try {
  if (process.argv.length <= 2) program.help({ error: true });
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

/** A manifest often sets a variable to nothing, and means that it is not set. */
function forgetEmptyVariables(): void {
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('MIGRATION_PROXY_') && process.env[name] === '') delete process.env[name];
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_CANNOT;
  if (error instanceof CliFailure) {
    printNote(`migration-proxy: ${plain(error.message)}`);
    return error.exitCode;
  }
  // A mistake of ours: its stack is what a report of it needs.
  printNote(`migration-proxy: unexpected ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return EXIT_CANNOT;
}
