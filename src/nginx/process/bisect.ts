/**
 * Which services make nginx refuse a text. In: names, a check of a text that has only some of them. Out: the refused ones
 * with nginx's words; all others together pass. Usually one of thousands is bad by itself, so first halves are asked about
 * alone: that takes about twice log2 of the number of checks, of ever smaller texts. What only clashes is looked for after
 * that, by adding to what passes; of several that clash, the later ones are refused. In the end they are asked about again: a
 * full disk, or a machine too busy for a check to end in time, may pass in between, and is nobody's fault.
 */

/** Parts of the names; `message`: how a text of them, in the second pass with the good ones, was refused; null: not known yet. */
interface Part {
  readonly names: readonly string[];
  readonly message: string | null;
}

type Check = (subset: readonly string[]) => Promise<string | null>;

interface Question {
  readonly passes: Check;
  /**
   * Where a half that passes is among the good ones, the other half's text is the one that was refused. Asked about alone, it is
   * the one to look at, but the halves may only clash: nobody is blamed without having been asked about.
   */
  readonly isSum: boolean;
}

/** Enough for more than ten bad services among 5 000. */
const MOST_CHECKS = 250;

/**
 * `check`: null where the text of these services passes, else nginx's words. Empty: no service is to blame; either all of
 * them pass, now or in the end, or the text fails without any. What is not known after `mostChecks` checks is refused as well: a service that
 * is served as before harms nobody, a text that fails does.
 */
export async function refusedServices(
  names: readonly string[],
  check: Check,
  mostChecks = MOST_CHECKS,
): Promise<Map<string, string>> {
  const refused = new Map<string, string>();
  const whole = await check(names);
  if (whole === null || (await check([])) !== null) return refused;
  let checks = 2;
  const ordered = (...parts: readonly (readonly string[])[]): readonly string[] => {
    const chosen = new Set(parts.flat());
    return names.filter((name) => chosen.has(name));
  };

  let fine: readonly string[] = [];
  const alone: Check = async (subset) => {
    checks++;
    const message = await check(subset);
    if (message === null) fine = [...fine, ...subset];
    return message;
  };
  let good: readonly string[] = [];
  const together: Check = async (subset) => {
    checks++;
    const message = await check(ordered(good, subset));
    if (message === null) good = [...good, ...subset];
    return message;
  };

  let parts: readonly Part[] = [{ names, message: whole }];
  const narrow = async (question: Question, most: number): Promise<void> => {
    while (parts.length > 0 && checks < most) {
      // The largest first: should the checks run out, most services are known to be good.
      const [part, ...rest] = [...parts].sort((x, y) => y.names.length - x.names.length);
      parts = [...rest, ...(await resolved(part, question, refused))];
    }
  };
  // Two checks more may follow.
  await narrow({ passes: alone, isSum: false }, mostChecks - 2);
  const message = fine.length === names.length ? whole : null;
  if (fine.length > 0)
    parts = [{ names: ordered(fine), message }, ...parts.map((part) => ({ ...part, message: null }))];
  await narrow({ passes: together, isSum: true }, mostChecks);
  for (const { names: open, message } of parts) {
    for (const name of open) refused.set(name, `not looked for further among ${open.length}: ${message ?? whole}`);
  }
  if (refused.size === 0) return refused;
  const blamed = names.filter((name) => refused.has(name));
  // By themselves first: that is the smallest text, and for those that do not clash with others it is enough.
  if ((await check(blamed)) === null && (blamed.length === names.length || (await check(names)) === null))
    refused.clear();
  return refused;
}

/** What is still to be looked at of a part. */
async function resolved(part: Part, { passes, isSum }: Question, refused: Map<string, string>): Promise<Part[]> {
  const message = part.message ?? (await passes(part.names));
  if (message === null) return [];
  if (part.names.length === 1) {
    refused.set(part.names[0], message);
    return [];
  }
  const middle = Math.ceil(part.names.length / 2);
  const [first, second] = [part.names.slice(0, middle), part.names.slice(middle)];
  const ofFirst = await passes(first);
  if (ofFirst !== null) {
    return [
      { names: first, message: ofFirst },
      { names: second, message: null },
    ];
  }
  return [{ names: second, message: isSum || second.length > 1 ? message : null }];
}
