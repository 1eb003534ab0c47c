/**
 * The templates, compiled once: texts by name come in, a printer comes out. It takes words that the quoting or a grammar made, and
 * whether to print a part; the compiler refuses a model with any other text in it. Every template is a partial of the others.
 */
import Handlebars from 'handlebars';
import type { Token } from './token.ts';

/** Text by name, without the folder and `.hbs`. */
export type TemplateTexts = ReadonlyMap<string, string>;

/** The type itself where all of its leaves may be printed, else one that nothing has. */
export type Printable<T> = T extends Token | boolean | null
  ? T
  : T extends string | number | undefined
    ? never
    : { [K in keyof T]: Printable<T[K]> };

export interface Printer {
  /** Throws on a name without a template, and on a field that a template asks for and the model has not. */
  print<T>(name: string, model: T & Printable<T>): string;
}

/** Nothing is escaped as HTML, a missing field is an error, and no helper can be named that is not built in. */
export const COMPILE_OPTIONS = { noEscape: true, strict: true, knownHelpersOnly: true } as const;

export function compileTemplates(texts: TemplateTexts): Printer {
  const engine = Handlebars.create();
  const compiled = new Map([...texts].map(([name, text]) => [name, engine.compile(text, COMPILE_OPTIONS)]));
  for (const [name, template] of compiled) engine.registerPartial(name, template);
  return {
    print(name, model) {
      const template = compiled.get(name);
      if (template === undefined)
        throw new Error(`no template ${name}.hbs; there are ${[...compiled.keys()].join(', ')}`);
      return template(model);
    },
  };
}
