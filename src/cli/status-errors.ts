/**
 * Errors of the configuration for people. In: those of a report. Out: a line each, `FILE:LINE:COLUMN: PATH: message`; a source that is
 * gone is one line, however many services it had. Pure.
 */
import { formatConfigError } from '../migration/errors.ts';
import type { ConfigReport } from '../status/report.ts';

type ReportedError = ConfigReport['errors'][number];

const MOST_NAMES = 5;

export function errorTexts(errors: readonly ReportedError[]): string[] {
  const told = new Set<string>();
  return errors.flatMap((error): string[] => {
    if (error.code !== 'source_gone') return [formatConfigError(error)];
    if (told.has(error.file)) return [];
    told.add(error.file);
    return [goneText(errors.filter(({ code, file }) => code === 'source_gone' && file === error.file))];
  });
}

function goneText(group: readonly ReportedError[]): string {
  const names = group.map(({ service }) => service ?? '');
  const shown = names.slice(0, MOST_NAMES).join(', ') + (names.length > MOST_NAMES ? ', …' : '');
  const go = names.length === 1 ? `${shown} goes` : `${names.length} services go`;
  const list = names.length === 1 ? '' : `: ${shown}`;
  return `${group[0].file}: is gone, or no longer has a text; ${go} on as it last said${list}`;
}
