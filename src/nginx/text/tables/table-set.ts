/**
 * The tables as they come together: blocks go in, in the order in which people will read them. What all services have in
 * common stays a value of its own and costs no variable; what they differ in becomes a map of `$service`. Refuses to know
 * what the values mean.
 */
import type { Block, GeoBlock, MapBlock, MapKey, SplitBlock } from '../block.ts';
import { type Expression, variable } from '../expression.ts';

export interface Row {
  readonly key: MapKey;
  readonly value: Expression;
}

/** A row that is compared without case. */
export function exact(text: string, ...value: Expression): Row {
  return { key: { kind: 'exact', text }, value };
}

/** A row that is searched, with case. */
export function regex(pattern: string, ...value: Expression): Row {
  return { key: { kind: 'regex', pattern }, value };
}

export class TableSet {
  readonly blocks: Block[] = [];
  readonly #names = new Set<string>();

  /** `$name` as an expression, whether or not a block for it was there before. */
  map(name: string, source: Expression, fallback: Expression, rows: readonly Row[]): Expression {
    return this.#add({ kind: 'map', source, variable: name, volatile: false, fallback, rows });
  }

  /** The same, evaluated each time it is asked for. */
  volatileMap(name: string, source: Expression, fallback: Expression, rows: readonly Row[]): Expression {
    return this.#add({ kind: 'map', source, variable: name, volatile: true, fallback, rows });
  }

  geo(block: Omit<GeoBlock, 'kind'>): Expression {
    return this.#add({ kind: 'geo', ...block });
  }

  /** Of the values of `$key`, the first `shareBp` get `first`; at the ends nothing is split. */
  split(name: string, key: Expression, shareBp: number, first: string, rest: string): Expression {
    if (shareBp <= 0) return [rest];
    if (shareBp >= 10_000) return [first];
    const block: SplitBlock = { kind: 'split_clients', key, variable: name, rows: [{ shareBp, value: first }], rest };
    return this.#add(block);
  }

  /** What each service has: the value itself where all have the same, else `$name`. No service: the fallback. */
  perService(name: string, values: ReadonlyMap<string, Expression>, fallback: Expression): Expression {
    const distinct = new Set<string>();
    for (const value of values.values()) {
      if (distinct.add(keyOf(value)).size > 1) return this.mapOfServices(name, values, fallback);
    }
    const [first] = values.values();
    return first ?? fallback;
  }

  /** A map of `$service`, without rows that say what the fallback says. */
  mapOfServices(name: string, values: ReadonlyMap<string, Expression>, fallback: Expression): Expression {
    const rest = keyOf(fallback);
    const rows = [...values].filter(([, value]) => keyOf(value) !== rest);
    const byName = rows.sort(([x], [y]) => (x < y ? -1 : 1));
    return this.map(
      name,
      [variable('service')],
      fallback,
      byName.map(([service, value]) => exact(service, ...value)),
    );
  }

  #add(block: MapBlock | GeoBlock | SplitBlock): Expression {
    if (!this.#names.has(block.variable)) {
      this.#names.add(block.variable);
      this.blocks.push(block);
    }
    return [variable(block.variable)];
  }
}

/** Equal for equal expressions. Most are one text. */
export function keyOf(expression: Expression): string {
  const [first] = expression;
  return expression.length === 1 && typeof first === 'string' ? first : JSON.stringify(expression);
}
