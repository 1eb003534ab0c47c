import { expect } from 'chai';
import Handlebars from 'handlebars';
import { readTemplates } from './templates.ts';
import { COMPILE_OPTIONS, compileTemplates } from './text/printer.ts';

type Ast = hbs.AST.Program;

/** Always words without quotes, so that they may be a part of one: by their grammars, or as names of variables of ours. */
const COMPOSED = ['directory', 'token', 'variable', 'requestId', 'values.requestId', 'property'];

/** Fields with other text around them that are not in the list. */
function composed(text: string): string[] {
  const found = text.matchAll(/(?<=(.?))\{\{([A-Za-z0-9_.]+)\}\}(?=(.?))/gs);
  return [...found]
    .filter(([, before, , after]) => /[^\s}]/.test(before) || /[^\s;{)]/.test(after))
    .map(([, , field]) => field)
    .filter((field) => !['else', ...COMPOSED].includes(field));
}

/** Everything in a template that is not text, as it is written there, when it is more than a field, `each`, `if` or a partial. */
function liberties(program: Ast): string[] {
  return program.body.flatMap((statement): string[] => {
    const at = `line ${statement.loc.start.line}`;
    switch (statement.type) {
      case 'ContentStatement':
      case 'CommentStatement':
        return [];
      case 'MustacheStatement': {
        const { path, params, hash } = statement as hbs.AST.MustacheStatement;
        return isField(path) && params.length === 0 && hash === undefined ? [] : [`${at}: not a field`];
      }
      case 'BlockStatement': {
        const { path, params, hash, program: inner, inverse } = statement as hbs.AST.BlockStatement;
        const name = (path as hbs.AST.PathExpression).original;
        const known = ['each', 'if', 'unless'].includes(String(name)) && params.length === 1 && isField(params[0]);
        return [
          ...(known && hash === undefined ? [] : [`${at}: block ${name}`]),
          ...liberties(inner),
          ...(inverse === undefined ? [] : liberties(inverse)),
        ];
      }
      case 'PartialStatement': {
        const { name, params, hash } = statement as hbs.AST.PartialStatement;
        const named = name.type === 'PathExpression';
        const plain = params.every(isField) && (hash?.pairs ?? []).every(({ value }) => isField(value));
        return named && plain ? [] : [`${at}: partial with more than fields`];
      }
      default:
        return [`${at}: ${statement.type}`];
    }
  });
}

function isField(expression: hbs.AST.Node): boolean {
  return expression.type === 'PathExpression' && !(expression as hbs.AST.PathExpression).data;
}

describe('templates of nginx', () => {
  const texts = readTemplates();

  it('are there', () => {
    expect([...texts.keys()]).to.include('tables');
  });

  for (const [name, text] of texts) {
    it(`${name}.hbs prints fields, and does not think`, () => {
      expect(liberties(Handlebars.parse(text))).to.deep.equal([]);
    });

    it(`${name}.hbs lets words stand by themselves, as they may have quotes`, () => {
      expect(composed(text)).to.deep.equal([]);
    });

    it(`${name}.hbs ends in a line and has no tabs or trailing spaces`, () => {
      expect(text.endsWith('\n')).to.equal(true);
      expect(text).not.to.match(/\t|[ ]+$/m);
    });
  }

  it('that think are seen', () => {
    for (const text of [
      '{{a b}}',
      '{{#with a}}{{/with}}',
      '{{#each (b c)}}{{/each}}',
      '{{> (a)}}',
      '{{@root}}',
      '{{> a b="c"}}',
    ]) {
      expect(liberties(Handlebars.parse(text)), text).to.have.length(1);
    }
  });

  it('that put a word into another are seen', () => {
    for (const text of ['"{{a}}"', 'x{{a}}', '{{a}}/x', `${'$'}{{a}}`])
      expect(composed(text), text).to.deep.equal(['a']);
    for (const text of ['x {{a}};', '{{directory}}/x', ' {{a}}\n', 'x{{#if a}} {{a}}{{/if}}']) {
      expect(composed(text), text).to.deep.equal([]);
    }
  });

  it('print text as it stands, and fail on a field that the model lacks', () => {
    expect(COMPILE_OPTIONS).to.deep.equal({ noEscape: true, strict: true, knownHelpersOnly: true });
    const printer = compileTemplates(new Map([['t', '{{#each rows}}{{key}}{{/each}}']]));
    expect(() => printer.print('t', { rows: [{}] })).to.throw('key');
    expect(() => printer.print('u', {})).to.throw('no template u.hbs; there are t');
    // @ts-expect-error: text that nothing has checked is no model.
    expect(printer.print('t', { rows: [{ key: '<&>' }] })).to.equal('<&>');
  });
});
