/**
 * The template files as they are shipped: text by name, and the script that njs runs. The same two steps up from
 * the sources and from what is compiled.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { TemplateTexts } from './text/printer.ts';

const DIRECTORY = new URL('../../templates/', import.meta.url);

/** Throws where the installation has no templates. */
export function readTemplates(): TemplateTexts {
  const names = readdirSync(DIRECTORY).filter((name) => name.endsWith('.hbs') || name.endsWith('.js'));
  return new Map(
    names.sort().map((name) => [name.replace(/\.hbs$/, ''), readFileSync(new URL(name, DIRECTORY), 'utf8')]),
  );
}
