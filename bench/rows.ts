/**
 * What is measured beside what: the proxies wanted and the options in, the rows of the table out. One row a proxy; with
 * `--services` two of each that can serve many, few services and many, the second compared to the first.
 */
import { type Spread, spreadOver } from './backends.ts';
import type { Options } from './options.ts';
import type { Contender } from './proxies.ts';

export interface Row {
  readonly name: string;
  /** The row whose CPU a request is 1; it need not have been measured. */
  readonly base: string;
  readonly contender: Contender;
  /** Null: the one service of `oneService`. */
  readonly spread: Spread | null;
}

/** Enough that nothing is special about one, too few to cost anything. */
const FEW_SERVICES = 10;

export function rowsOf(contenders: readonly Contender[], options: Options): Row[] {
  const { services, backends: sharing, base } = options;
  if (services === null) {
    return contenders.map((contender) => ({
      ...{ name: contender.name, base, contender, spread: null },
    }));
  }
  const named = ({ name }: Contender, hosts: number): string => `${name}, ${hosts} services`;
  return contenders
    .filter(({ spreads }) => spreads)
    .flatMap((contender) =>
      [FEW_SERVICES, services].map((hosts) => ({
        name: named(contender, hosts),
        base: named(contender, FEW_SERVICES),
        contender,
        spread: spreadOver(hosts, sharing),
      })),
    );
}
