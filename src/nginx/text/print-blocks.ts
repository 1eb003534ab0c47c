/**
 * `map`, `geo` and `split_clients` as the template `tables.hbs` takes them: every word quoted, keys padded to a column. In: blocks
 * in their order. Refuses keys that nginx would take for one and the same.
 */
import type { Block, GeoBlock, MapBlock, SplitBlock } from './block.ts';
import { network, percent } from './grammar.ts';
import type { Printer } from './printer.ts';
import { quote, quoteLiteral, quoteMapKey } from './quote.ts';
import { ConfigurationFault, type Token, token, variableName } from './token.ts';

export interface PrintedRow {
  readonly key: Token;
  readonly value: Token;
}

/** Exactly one of `map`, `geo`, `split` is true. */
export interface PrintedBlock {
  readonly map: boolean;
  readonly geo: boolean;
  readonly split: boolean;
  readonly source: Token;
  readonly variable: Token;
  readonly volatile: boolean;
  readonly proxies: readonly { readonly network: Token }[];
  readonly rows: readonly PrintedRow[];
}

/** A longer key stands out of the column rather than pushing all values away. */
const WIDEST_COLUMN = 48;

/** What `{{> tables}}` takes as `blocks`. Throws a ConfigurationFault naming the block's variable. */
export function printedBlocks(blocks: readonly Block[]): PrintedBlock[] {
  return blocks.map((block) => {
    if (block.kind === 'map') return printedMap(block);
    return block.kind === 'geo' ? printedGeo(block) : printedSplit(block);
  });
}

export function printBlocks(printer: Printer, blocks: readonly Block[]): string {
  return printer.print('tables', { blocks: printedBlocks(blocks) });
}

const NO_KIND = { map: false, geo: false, split: false, volatile: false, proxies: [], source: token('') };

function printedMap(block: MapBlock): PrintedBlock {
  const field = `map $${block.variable}`;
  const seen = new Set<string>();
  const rows = block.rows.map(({ key, value }) => {
    if (key.kind === 'exact') refuseSecond(asciiLowerCase(key.text), seen, field);
    return { key: quoteMapKey(key, field), value: quote(value, field) };
  });
  return {
    ...NO_KIND,
    map: true,
    source: quote(block.source, field),
    variable: variableName(block.variable, field),
    volatile: block.volatile,
    rows: inColumns([{ key: token('default'), value: quote(block.fallback, field) }, ...rows]),
  };
}

function printedGeo(block: GeoBlock): PrintedBlock {
  const field = `geo $${block.variable}`;
  const seen = new Set<string>();
  const rows = block.rows.map(({ cidr, value }) => {
    const key = network(cidr, field);
    refuseSecond(key, seen, field);
    return { key, value: quoteLiteral(value, field) };
  });
  return {
    ...NO_KIND,
    geo: true,
    variable: variableName(block.variable, field),
    proxies: block.proxies.map((cidr) => ({ network: network(cidr, field) })),
    rows: inColumns([...fallbackRows(quoteLiteral(block.fallback, field), seen), ...rows]),
  };
}

/** `default` is both whole networks to nginx, which then warns of a row for one of them. */
function fallbackRows(value: Token, seen: ReadonlySet<string>): PrintedRow[] {
  const whole = ['0.0.0.0/0', '::/0'];
  if (!whole.some((cidr) => seen.has(cidr))) return [{ key: token('default'), value }];
  return whole.filter((cidr) => !seen.has(cidr)).map((cidr) => ({ key: token(cidr), value }));
}

function printedSplit(block: SplitBlock): PrintedBlock {
  const field = `split_clients $${block.variable}`;
  const shares = block.rows.reduce((sum, { shareBp }) => sum + shareBp, 0);
  if (shares >= 10_000) throw new ConfigurationFault(field, shares, 'leaves nothing for the last row', '9999');
  const rows = block.rows.map(({ shareBp, value }) => ({
    key: percent(shareBp, field),
    value: quoteLiteral(value, field),
  }));
  return {
    ...NO_KIND,
    split: true,
    source: quote(block.key, field),
    variable: variableName(block.variable, field),
    rows: inColumns([...rows, { key: token('*'), value: quoteLiteral(block.rest, field) }]),
  };
}

function refuseSecond(key: string, seen: Set<string>, field: string): void {
  if (seen.has(key)) throw new ConfigurationFault(field, key, 'is a key twice, as nginx compares them', 'one of them');
  seen.add(key);
}

/** As nginx compares keys: letters of ASCII alone have a lower case there. */
function asciiLowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function inColumns(rows: readonly PrintedRow[]): PrintedRow[] {
  const width = rows.reduce((most, { key }) => (key.length > WIDEST_COLUMN ? most : Math.max(most, key.length)), 0);
  return rows.map(({ key, value }) => ({ key: token(key.padEnd(width)), value }));
}
