/**
 * The whole nginx configuration. In: served migrations, addresses, settings, the templates. Out: one text, the files that it
 * names, what is to be said of it. The same input gives the same bytes. Knows no file system and no running nginx.
 */
import { hash } from 'node:crypto';
import { hexId } from './grammar.ts';
import { buildModel } from './model.ts';
import type { PrintedBlock } from './print-blocks.ts';
import { compileTemplates, type Printer, type TemplateTexts } from './printer.ts';
import type { Rendered, RenderInput } from './rendered.ts';
import { printShaped } from './shapes.ts';
import { type Token, token } from './token.ts';
import { warningsOf } from './warnings.ts';

const NO_TOKEN = '0'.repeat(16);

/** Compiling takes longer than printing a small configuration. */
const printers = new WeakMap<TemplateTexts, Printer>();

/** `templates`: all texts of the folder, by name. Throws a ConfigurationFault on values that validation must have refused. */
export function renderNginx(input: RenderInput, templates: TemplateTexts): Rendered {
  const { main, tables, upstreams, servers, files, refused, variables, tls } = buildModel(
    input,
    hexId(NO_TOKEN, 'token'),
    templates,
  );
  const printer = printerOf(templates);
  const blank = printer.print('nginx', {
    ...main,
    tables: printedTables(printer, tables),
    upstreams: printShaped(printer, 'upstream', upstreams),
    servers: printShaped(printer, 'server', servers),
  });
  const digest = hash('sha256', blank, 'hex').slice(0, 16);
  // The first one stands before any text of a service.
  const text = blank.replace(`return 200 "${NO_TOKEN}"`, `return 200 "${digest}"`);
  return { text, token: digest, files, warnings: warningsOf({ variables, tls }, input.settings), refused, variables };
}

/** Handlebars would indent empty lines too. */
function printedTables(printer: Printer, blocks: readonly PrintedBlock[]): Token {
  const text = printer.print('tables', { blocks });
  // Not by `^`, which stands before what follows U+2028 too, in the middle of a value.
  return token(text.replace(/(^|\n)(?=[^\n])/g, '$1    ').replace(/\n$/, ''));
}

function printerOf(templates: TemplateTexts): Printer {
  let printer = printers.get(templates);
  if (printer === undefined) {
    printer = compileTemplates(new Map([...templates].filter(([name]) => !name.includes('.'))));
    printers.set(templates, printer);
  }
  return printer;
}
