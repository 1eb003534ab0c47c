/**
 * A table made to run in nginx. In: the table's services and their addresses. Out: whether nginx runs them now, and if not,
 * why. Services that nginx refuses are found and given less of, until the rest is taken; it tries once, the plane tries again.
 */
import type { ServedMigration } from '../migration/model.ts';
import type { AddressBook, FindRefused, Installed, PlaneProcess, Render } from './plane-parts.ts';
import type { RefusedServices } from './refused-services.ts';
import { renderSayable } from './sayable.ts';

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
  const { process, refused, render } = parts;
  let rendered = await renderSayable(services, addresses, refused, render);
  for (let round = 0; ; round++) {
    const { warnings } = rendered;
    if (rendered.token === process.runningToken()) return { result: { ok: true, unchanged: true }, warnings };
    const result = await process.install(rendered);
    if (result.ok || result.stage !== 'check' || round === ROUNDS) return { result, warnings };
    const found = await refusedIn(services, addresses, parts);
    const isLess = services
      .filter(({ migration }) => found.has(migration.name))
      .map((service) => {
        return refused.refuse(service, found.get(service.migration.name) ?? result.message);
      });
    // The text is refused whatever the services are: that is no service's fault.
    if (!isLess.includes(true)) return { result, warnings };
    rendered = await renderSayable(services, addresses, refused, render);
  }
}

async function refusedIn(
  services: readonly ServedMigration[],
  addresses: AddressBook,
  { findRefused, process, refused, render }: InstallerParts,
): Promise<ReadonlyMap<string, string>> {
  const servable = refused.servable(services);
  const names = servable.map(({ migration }) => migration.name);
  return findRefused(names, async (subset) => {
    const wanted = new Set(subset);
    const rendered = await render(
      servable.filter(({ migration }) => wanted.has(migration.name)),
      addresses,
    );
    return process.check(rendered);
  });
}
