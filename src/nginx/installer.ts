/**
 * A table made to run in nginx. In: the table's services and their addresses. Out: whether nginx runs them now, and if not,
 * why. Services that nginx refuses, or that its text cannot hold, are found and given less of, until the rest is taken; it tries
 * once, the plane tries again.
 */
import type { ServedMigration } from '../migration/model.ts';
import type { AddressBook, FindRefused, Installed, PlaneProcess, Render } from './plane-parts.ts';
import { forPeople } from './process/words.ts';
import type { RefusedServices } from './refused-services.ts';
import { renderSayable } from './sayable.ts';
import type { Rendered } from './text/rendered.ts';
import { isConfigurationFault } from './text/token.ts';

/** A refused service is tried by its old cluster alone, then left out: more rounds than that find nothing new. */
const ROUNDS = 4;

export interface InstallerParts {
  readonly process: Pick<PlaneProcess, 'check' | 'install' | 'runningToken'>;
  readonly render: Render;
  readonly findRefused: FindRefused;
  readonly refused: RefusedServices;
}

export type Attempt = {
  readonly result: Installed | { readonly ok: true; readonly unchanged: true };
  readonly warnings: readonly string[];
};

export async function installServices(
  services: readonly ServedMigration[],
  addresses: AddressBook,
  parts: InstallerParts,
): Promise<Attempt> {
  const { refused } = parts;
  for (let round = 0; ; round++) {
    const attempt = await attempted(services, addresses, parts);
    const { result } = attempt;
    if (result.ok || result.stage !== 'check' || round === ROUNDS) return attempt;
    const found = await refusedIn(services, addresses, parts, result.message);
    const isLess = services
      .filter(({ migration }) => found.has(migration.name))
      .map((service) => {
        const message = found.get(service.migration.name) ?? result.message;
        return refused.refuse(service, { message: forPeople(message) });
      });
    // The text is refused whatever the services are: that is no service's fault.
    if (!isLess.includes(true)) return attempt;
  }
}

async function attempted(
  services: readonly ServedMigration[],
  addresses: AddressBook,
  { process, refused, render }: InstallerParts,
): Promise<Attempt> {
  try {
    const rendered = await renderSayable(services, addresses, refused, render);
    const { warnings } = rendered;
    if (rendered.token === process.runningToken()) return { result: { ok: true, unchanged: true }, warnings };
    return { result: await process.install(rendered), warnings };
  } catch (error) {
    return { result: { ok: false, stage: 'check', message: faultIn(error) }, warnings: [] };
  }
}

/** `message`: why all of them together were refused just now. */
async function refusedIn(
  services: readonly ServedMigration[],
  addresses: AddressBook,
  { findRefused, process, refused, render }: InstallerParts,
  message: string,
): Promise<ReadonlyMap<string, string>> {
  const servable = refused.servable(services);
  const names = servable.map(({ migration }) => migration.name);
  let isAsked = false;
  return findRefused(names, async (subset) => {
    if (subset.length === names.length && !isAsked) {
      isAsked = true;
      return message;
    }
    const wanted = new Set(subset);
    const chosen = servable.filter(({ migration }) => wanted.has(migration.name));
    let rendered: Rendered;
    try {
      rendered = await render(chosen, addresses);
    } catch (error) {
      return faultIn(error);
    }
    return process.check(rendered);
  });
}

/** What a value cannot be in nginx's text. Throws what is no fault of a value. */
function faultIn(error: unknown): string {
  if (isConfigurationFault(error)) return error.message;
  throw error;
}
