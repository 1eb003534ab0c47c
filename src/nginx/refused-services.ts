/**
 * Services that this nginx will not have, so that they never harm the others. In: refusals, as they are found. Out: the
 * services as they are to be rendered: a refused one by its old cluster alone, and left out only where even that is refused.
 * An edit of the service makes it a new one, which is tried again.
 */
import type { ServedMigration } from '../migration/model.ts';
import type { NginxRefusal } from '../status/nginx-facts.ts';

/** `message`: without a line of nginx's text, which nobody has. `key`: what is to blame, below the service, where that is known. */
export interface Reason {
  readonly message: string;
  readonly key?: string;
}

interface Refused extends Reason {
  readonly served: 'by_old' | 'not_at_all';
}

export class RefusedServices {
  /** Tables keep the object of a service that did not change. */
  readonly #refused = new WeakMap<ServedMigration, Refused>();

  /** What may be rendered. */
  servable(services: readonly ServedMigration[]): readonly ServedMigration[] {
    return services.flatMap((service) => {
      const refused = this.#refused.get(service);
      if (refused === undefined) return [service];
      return refused.served === 'by_old' ? [{ ...service, standing: 'invalid' as const }] : [];
    });
  }

  /** It was refused as `servable` gave it: from now on it gives less of it. False: there is nothing less to give. */
  refuse(service: ServedMigration, reason: Reason): boolean {
    const before = this.#refused.get(service);
    if (before?.served === 'not_at_all') return false;
    const mayServeOld = before === undefined && service.standing !== 'invalid';
    this.#refused.set(service, {
      ...(before ?? reason),
      served: mayServeOld ? 'by_old' : 'not_at_all',
    });
    return true;
  }

  list(services: readonly ServedMigration[]): readonly NginxRefusal[] {
    return services.flatMap((service) => {
      const refused = this.#refused.get(service);
      if (refused === undefined) return [];
      const instead = refused.served === 'by_old' ? 'its old cluster alone serves it' : 'it is not served';
      const message = `nginx cannot serve it as it is configured, so ${instead}: ${refused.message}`;
      const key = refused.key === undefined ? {} : { key: refused.key };
      return [{ service: service.migration.name, ...key, message }];
    });
  }
}
