/**
 * An explanation without a proxy: the service is read from a file and taken as steady.
 */
import { compileService } from '../allocator/compile.ts';
import { explain } from '../allocator/explain.ts';
import type { SourcedExplanation } from '../allocator/explanation.ts';
import { type ImaginedRequest, imaginedFacts } from '../allocator/imagined-request.ts';
import { formatConfigError } from '../migration/errors.ts';
import { STEADY } from '../migration/run-state.ts';
import { answerNo } from './failure.ts';
import { readConfiguration } from './read-configuration.ts';
import { sourceText } from './source-text.ts';
import { plain, printNote } from './streams.ts';

/** Throws CliFailure: code 1 for an unknown service, 2 for a file that cannot be read. */
export async function explainFromFile(
  file: string,
  name: string,
  request: ImaginedRequest,
): Promise<SourcedExplanation> {
  const { services, errors } = await readConfiguration(file, await sourceText(file));
  const served = services.find(({ migration }) => migration.name === name);
  for (const error of errors) {
    if (error.service === name || error.service === null) printNote(plain(formatConfigError(error)));
  }
  if (served === undefined) throw answerNo(`${file} has no service ${JSON.stringify(name)}`);
  const service = compileService(served);
  const source = file === '-' ? 'stdin' : `file:${file}`;
  return { ...explain(service, STEADY, imaginedFacts(service, request)), source };
}
