/**
 * Who runs beside whom: suites in, each of them run once. Most run in lanes that take the next one when they are free; then come
 * those that bear one other beside them, and get the shortest of the others, so that no half of the machine is idle for minutes;
 * those that are alone are last. Refuses to know what running is.
 */

/** How many may run at the same time as this one: as many as there are lanes, one, or none. */
export type Company = 'many' | 'one' | 'none';

export interface LanesOptions<One> {
  /** At least 1; with 1 nothing runs beside anything. */
  readonly lanes: number;
  /** How long it will probably take, seconds: only the order follows from it. */
  readonly secondsOf: (one: One) => number;
  /** Must not reject. */
  readonly run: (one: One) => Promise<void>;
}

/** In the order given, but for the short ones that are kept for later. */
export async function inLanes<One extends { readonly company: Company }>(
  all: readonly One[],
  { lanes, secondsOf, run }: LanesOptions<One>,
): Promise<void> {
  const those = (company: Company): One[] => all.filter((one) => one.company === company);
  const calm = those('one');
  const many = those('many');
  const calmSeconds = calm.reduce((total, one) => total + secondsOf(one), 0);
  const kept = lanes === 1 ? [] : shortest(many, calmSeconds, secondsOf);
  const first = many.filter((one) => !kept.includes(one));
  await Promise.all(Array.from({ length: lanes }, () => lane(first, run)));
  await Promise.all([lane(calm, run), lane(kept, run)]);
  await lane(those('none'), run);
}

/** As many as fit into that time one after the other. */
function shortest<One>(all: readonly One[], seconds: number, secondsOf: (one: One) => number): One[] {
  const found: One[] = [];
  let left = seconds;
  for (const one of all.toSorted((a, b) => secondsOf(a) - secondsOf(b))) {
    left -= secondsOf(one);
    if (left < 0) break;
    found.push(one);
  }
  return found;
}

async function lane<One>(waiting: One[], run: (one: One) => Promise<void>): Promise<void> {
  for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await run(one);
}
