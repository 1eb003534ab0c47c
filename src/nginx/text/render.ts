/**
 * The whole nginx configuration. In: served migrations, addresses, settings, the templates. Out: one text, the files that it
 * names, what is to be said of it. The same input gives the same bytes. Knows no file system and no running nginx.
 */
import { createHash } from 'node:crypto';
import { hexId } from './grammar.ts';
import { buildModel } from './model.ts';
import { compileTemplates, type Printer, type TemplateTexts } from './printer.ts';
import type { Rendered, RenderInput } from './rendered.ts';

/** Each costs every request about 4 ns (nginx 1.22.1): far beyond this is a configuration to think about. */
const MANY_VARIABLES = 300;
const NO_TOKEN = '0'.repeat(16);

/** Compiling takes longer than printing a small configuration. */
const printers = new WeakMap<TemplateTexts, Printer>();

/** `templates`: all texts of the folder, by name. Throws a ConfigurationFault on values that validation must have refused. */
export function renderNginx(input: RenderInput, templates: TemplateTexts): Rendered {
  const { main, files, refused, variables } = buildModel(input, hexId(NO_TOKEN, 'token'), templates);
  // Handlebars indents the empty lines of a partial too.
  const blank = printerOf(templates).print('nginx', main).replace(/^ +$/gm, '');
  const token = createHash('sha256').update(blank).digest('hex').slice(0, 16);
  // The first one stands before any text of a service.
  const text = blank.replace(`return 200 "${NO_TOKEN}"`, `return 200 "${token}"`);
  return { text, token, files, warnings: warningsOf(variables), refused, variables };
}

function warningsOf(variables: number): string[] {
  if (variables <= MANY_VARIABLES) return [];
  return [
    `the nginx text has ${variables} variables, and above ${MANY_VARIABLES} what they cost each request begins to show: use fewer ` +
      'distinct percentages, header names, regexes and lists of addresses, for example the same ip_rules for many services',
  ];
}

function printerOf(templates: TemplateTexts): Printer {
  let printer = printers.get(templates);
  if (printer === undefined) {
    printer = compileTemplates(new Map([...templates].filter(([name]) => !name.includes('.'))));
    printers.set(templates, printer);
  }
  return printer;
}
