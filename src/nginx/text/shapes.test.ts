import { expect } from 'chai';
import { compileTemplates } from './printer.ts';
import { Holes, printShaped } from './shapes.ts';
import { token } from './token.ts';

describe('blocks of one shape', () => {
  const printer = compileTemplates(new Map([['b', '{{name}} {{#each to}}to {{host}} {{/each}}{{#if on}}on{{/if}}\n']]));

  function block(name: string, hosts: readonly string[], on: boolean) {
    const holes = new Holes();
    const to = hosts.map((host) => ({ host: holes.of(token(host)) }));
    return { model: { name: holes.of(token(name)), to, on }, words: holes.words };
  }

  it('are printed as their template would, each with its own words', () => {
    const blocks = [
      block('a', ['x', 'y'], true),
      block('b', ['z', 'z'], true),
      block('c', ['$&', '\\1'], true),
      block('0', ['x'], false),
      block('d', [], false),
    ];
    expect(printShaped(printer, 'b', blocks)).to.equal(
      'a to x to y on\nb to z to z on\nc to $& to \\1 on\n0 to x \nd ',
    );
    expect(printShaped(printer, 'b', [])).to.equal('');
  });

  it('let equal words be seen as equal', () => {
    const holes = new Holes();
    expect(holes.of(token('a'))).to.equal(holes.of(token('a')));
    expect(holes.of(token('a'))).not.to.equal(holes.of(token('b')));
    expect(holes.words).to.deep.equal(['a', 'b']);
  });
});
