/**
 * Services rendered without what the text itself cannot say. In: services, what is known to be refused. Out: a text of all that
 * can be said; what cannot is refused, and given less of.
 */
import type { ServedMigration } from '../migration/model.ts';
import type { AddressBook, Render } from './plane-parts.ts';
import type { RefusedServices } from './refused-services.ts';
import type { Rendered } from './text/rendered.ts';

export async function renderSayable(
  services: readonly ServedMigration[],
  addresses: AddressBook,
  refused: RefusedServices,
  render: Render,
): Promise<Rendered> {
  for (;;) {
    const rendered = await render(refused.servable(services), addresses);
    const refusals = new Map(rendered.refused.map((refusal) => [refusal.service, refusal]));
    const isLess = services.map((service) => {
      const refusal = refusals.get(service.migration.name);
      return refusal !== undefined && refused.refuse(service, refusal);
    });
    if (!isLess.includes(true)) return rendered;
  }
}
