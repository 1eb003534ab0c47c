/**
 * The hash that nginx itself does not have, for services with `hash: murmur3`: njs says in which of 10 000 places of the hash's space
 * a key falls, as four digits ('' for an empty key), and maps compare the digits. In: keys. Out: values like those of
 * split_clients, with the same thresholds. Refuses to know what is decided with them.
 */
import { type Expression, variable } from '../expression.ts';
import { Numbering, type TableContext } from './context.ts';
import { fourDigitsBelow } from './patterns.ts';
import { regex } from './table-set.ts';

/** As many as templates/murmur3.js has functions. */
export const MOST_KEYS = 64;

export class Murmur3 {
  readonly #context: TableContext;
  readonly #keys = new Numbering();
  readonly #splits = new Numbering();

  constructor(context: TableContext) {
    this.#context = context;
  }

  /** The place of `prefix:id`; '' for an empty id. Throws beyond 64 distinct keys, which are distinct headers. */
  place(prefix: Expression, id: Expression): Expression {
    const number = this.#keys.of(JSON.stringify([prefix, id]));
    if (number > MOST_KEYS) throw new Error(`more than ${MOST_KEYS} headers hold ids that are hashed by murmur3`);
    const { tables, scripts } = this.#context;
    tables.map(
      `murmur3_key_${number}`,
      id,
      [...prefix, ':', ...id],
      [{ key: { kind: 'exact', text: '' }, value: [''] }],
    );
    const place = `murmur3_place_${number}`;
    if (!scripts.some((script) => script.variable === place))
      scripts.push({ variable: place, property: `place_${number}` });
    return [variable(place)];
  }

  /** `first` below the share, else `rest`; also for an empty id. */
  split(place: Expression, shareBp: number, first: string, rest: string): Expression {
    const number = this.#splits.of(JSON.stringify([place, shareBp, first, rest]));
    return this.#context.tables.map(`murmur3_share_${number}`, place, [rest], [regex(fourDigitsBelow(shareBp), first)]);
  }

  /** `1` from `from` to `to` per cent, both included, else ''. */
  range(place: Expression, from: number, to: number): Expression {
    const number = this.#splits.of(JSON.stringify([place, from, to]));
    const hundreds = Array.from({ length: to - from + 1 }, (_, i) => String(from + i).padStart(2, '0'));
    return this.#context.tables.map(`murmur3_share_${number}`, place, [''], [regex(`^(?:${hundreds.join('|')})`, '1')]);
  }

  /** `$probe_class` of a place. */
  probeClass(place: Expression): Expression {
    return this.#context.tables.map(
      'murmur3_probe_class',
      place,
      ['d'],
      [regex('^0', 'a'), regex('^(?:1|2[0-4])', 'b'), regex('^[2-4]', 'c')],
    );
  }
}
