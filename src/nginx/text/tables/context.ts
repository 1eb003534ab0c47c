/**
 * What every part of the tables works with: the services that nginx can serve, those among them that rules decide, settings, and
 * the set that the blocks go into. Refuses to know any single table.
 */
import type { Migration, ServedMigration } from '../../../migration/model.ts';
import { type Expression, variable } from '../expression.ts';
import { headerVariable } from '../grammar.ts';
import type { NginxSettings } from '../settings.ts';
import { TableSet } from './table-set.ts';

/** A variable that njs computes: `js_set $variable murmur3.property`. */
export interface Script {
  readonly variable: string;
  readonly property: string;
}

export interface TableContext {
  readonly all: readonly ServedMigration[];
  /** Enabled and once valid: rules and run state apply. */
  readonly ruled: readonly Migration[];
  readonly settings: NginxSettings;
  readonly tables: TableSet;
  readonly scripts: Script[];
}

export function tableContext(all: readonly ServedMigration[], settings: NginxSettings): TableContext {
  const sorted = all.toSorted((x, y) => (x.migration.name < y.migration.name ? -1 : 1));
  const ruled = sorted.filter(isRuled).map(({ migration }) => migration);
  return { all: sorted, ruled, settings, tables: new TableSet(), scripts: [] };
}

/** Of one that was never valid only the old side is known to read well. */
export function isRuled({ migration, standing }: ServedMigration): boolean {
  return standing !== 'invalid' && migration.enabled;
}

/** Sticky by cookie: only ever with the strategy weight. */
export function isSticky(migration: Migration): boolean {
  return migration.sticky && migration.strategy === 'weight';
}

/** By service's name. */
export function valuesOf<T extends Migration>(
  services: readonly T[],
  value: (migration: T) => Expression,
): Map<string, Expression> {
  return new Map(services.map((migration) => [migration.name, value(migration)]));
}

/** `$http_x_user_id` of a header in small letters. */
export function headerValue(header: string): Expression {
  return [variable(headerVariable(header, 'header'))];
}

/** Equal lists get one number, from 1, in the order in which they are first asked for. */
export class Numbering {
  readonly #numbers = new Map<string, number>();

  of(key: string): number {
    const number = this.#numbers.get(key) ?? this.#numbers.size + 1;
    this.#numbers.set(key, number);
    return number;
  }
}
