import { expect } from 'chai';
import { importsOf, violations } from './import-rules.ts';

/** Problems of a product that consists of these files. */
function of(files: Record<string, string>): string[] {
  return violations(new Map(Object.entries(files)));
}

describe('import rules', () => {
  it('finds every form of import, with its line', () => {
    const text = [
      "import type { A } from './a.ts';",
      "import { b, type C } from '../http1/b.ts';",
      'import {',
      '  d,',
      "} from 'node:fs/promises';",
      "export { e } from './e.ts';",
      "import './f.ts';",
      "const g = await import('@kubernetes/client-node/deep');",
      "import { type H, type I } from 'yaml';",
      "export type J = 'not an import';",
    ].join('\n');
    expect(importsOf('src/proxy/x.ts', text)).to.deep.equal([
      { line: 1, to: 'src/proxy/a.ts', typeOnly: true },
      { line: 2, to: 'src/http1/b.ts', typeOnly: false },
      { line: 3, to: 'node:fs/promises', typeOnly: false },
      { line: 6, to: 'src/proxy/e.ts', typeOnly: false },
      { line: 7, to: 'src/proxy/f.ts', typeOnly: false },
      { line: 8, to: '@kubernetes/client-node', typeOnly: false },
      { line: 9, to: 'yaml', typeOnly: true },
    ]);
  });

  const broken: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    [
      'a pure file that reads files',
      { 'src/http1/x.ts': "import { readFileSync } from 'fs';" },
      /^src\/http1\/x.ts:1: a pure file imports node:fs$/,
    ],
    ['a pure file that logs', { 'src/routing/x.ts': "import pino from 'pino';" }, /pure file imports pino/],
    [
      'the pure part of a shell room',
      { 'src/proxy/rewrite.ts': "import { connect } from 'node:net';" },
      /pure file imports node:net/,
    ],
    [
      'a room that looks up',
      { 'src/migration/x.ts': "\nimport type { A } from '../allocator/a.ts';", 'src/allocator/a.ts': '' },
      /^src\/migration\/x.ts:2: migration imports allocator, may import no other room$/,
    ],
    [
      'a plane that knows the other',
      { 'src/nginx/x.ts': "import '../proxy/a.ts';", 'src/proxy/a.ts': '' },
      /never import each other/,
    ],
    [
      'a package outside its home',
      { 'src/proxy/x.ts': "import express from 'express';" },
      /express belongs into src\/admin\/ alone/,
    ],
    ['a file that is not there', { 'src/proxy/x.ts': "import './gone.ts';" }, /src\/proxy\/gone.ts is not there/],
    [
      'test code in the product',
      { 'src/proxy/x.ts': "import '../../test/support/ports.ts';" },
      /not part of the product/,
    ],
    [
      'a circle',
      { 'src/proxy/b.ts': "import './a.ts';", 'src/proxy/a.ts': "import './b.ts';" },
      /^src\/proxy\/a.ts:1: imports itself: src\/proxy\/a.ts -> src\/proxy\/b.ts -> src\/proxy\/a.ts$/,
    ],
  ];
  for (const [what, files, problem] of broken) {
    it(`names ${what}`, () => {
      const problems = of(files);
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(problem);
    });
  }

  it('lets good ones pass: types in a circle, pure arithmetic, packages at home', () => {
    const files = {
      'src/proxy/a.ts': "import type { B } from './b.ts';\nimport { connect } from 'node:net';",
      'src/proxy/b.ts': "import { a } from './a.ts';",
      'src/routing/x.ts': "import { createHash } from 'node:crypto';\nimport '../allocator/y.ts';",
      'src/allocator/y.ts': "import hash from 'murmurhash3js';",
    };
    expect(of(files)).to.deep.equal([]);
  });
});
