import { expect } from 'chai';
import { readTemplates } from '../templates.ts';
import type { Block } from './block.ts';
import { variable } from './expression.ts';
import { printBlocks } from './print-blocks.ts';
import { compileTemplates } from './printer.ts';
import { dollarBlock } from './quote.ts';
import { ConfigurationFault } from './token.ts';

const printer = compileTemplates(readTemplates());

function map(rows: readonly (readonly [string, string])[]): Block {
  return {
    kind: 'map',
    source: [variable('host')],
    variable: 'service',
    volatile: false,
    fallback: [''],
    rows: rows.map(([text, value]) => ({ key: { kind: 'exact', text }, value: [value] })),
  };
}

function geo(cidrs: readonly string[], proxies: readonly string[] = []): Block {
  return {
    kind: 'geo',
    variable: 'side',
    proxies,
    fallback: '',
    rows: cidrs.map((cidr) => ({ cidr, value: 'new' })),
  };
}

describe('tables of nginx', () => {
  it('are printed in columns', () => {
    const split: Block = {
      kind: 'split_clients',
      key: [variable('request_id')],
      variable: 'share_2050',
      rows: [{ shareBp: 2050, value: 'new' }],
      rest: 'old',
    };
    const volatile: Block = { ...map([]), volatile: true } as Block;
    const text = printBlocks(printer, [
      dollarBlock,
      map([
        ['a.example.com', 'a'],
        ['longer.example.com', 'costs $5'],
      ]),
      volatile,
      geo(['10.1.2.3/8', '2001:DB8::1/32'], ['127.0.0.1/32']),
      split,
    ]);
    expect(text).to.equal(`geo $dollar {
    default "$";
}

map $host $service {
    default            "";
    a.example.com      a;
    longer.example.com "costs \${dollar}5";
}

map $host $service {
    volatile;
    default "";
}

geo $side {
    proxy 127.0.0.1/32;
    proxy_recursive;
    default       "";
    10.0.0.0/8    new;
    2001:db8::/32 new;
}

split_clients $request_id $share_2050 {
    20.5% new;
    *     old;
}

`);
  });

  it('keep values near where one key is very long', () => {
    const text = printBlocks(printer, [map([['a', 'x'], ['k'.repeat(600), 'y'] as const])]);
    expect(text).to.include('    default "";\n    a       x;\n');
  });

  it('give a whole network its own row instead of a second default', () => {
    expect(printBlocks(printer, [geo(['::/0'])])).to.match(/0\.0\.0\.0\/0 "";\n +::\/0 +new;/);
    expect(printBlocks(printer, [geo(['::/0', '0.0.0.0/0'])])).not.to.include('default');
  });

  it('refuse two keys that nginx takes for one', () => {
    for (const keys of [
      ['a', 'a'],
      ['Beta', 'bETA'],
    ]) {
      const twice = map(keys.map((key) => [key, 'x'] as const));
      expect(() => printBlocks(printer, [twice])).to.throw(ConfigurationFault, 'map $service');
    }
    // Only ASCII has a lower case for nginx.
    printBlocks(printer, [map(['É', 'é'].map((key) => [key, 'x'] as const))]);
    for (const cidrs of [
      ['10.0.0.1/8', '10.9.9.9/8'],
      ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ]) {
      expect(() => printBlocks(printer, [geo(cidrs)])).to.throw(ConfigurationFault, 'geo $side');
    }
  });

  it('refuse shares that leave nothing for the last row', () => {
    for (const shares of [[10_000], [0], [5_000, 5_000], [0.5]]) {
      const rows = shares.map((shareBp) => ({ shareBp, value: 'new' }));
      const split: Block = { kind: 'split_clients', key: ['x'], variable: 's', rows, rest: 'old' };
      expect(() => printBlocks(printer, [split]), String(shares)).to.throw(ConfigurationFault, 'split_clients $s');
    }
  });
});
