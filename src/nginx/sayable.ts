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
    const messages = new Map(rendered.refused.map(({ service, message }) => [service, message]));
    const isLess = services.map((service) => {
      const message = messages.get(service.migration.name);
      return message !== undefined && refused.refuse(service, message);
    });
    if (!isLess.includes(true)) return rendered;
  }
}
