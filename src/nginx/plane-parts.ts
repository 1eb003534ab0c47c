/**
 * What the nginx plane is put together from, as it sees them. Their makers are elsewhere; a test has its own.
 */
import type { ServedMigration } from '../migration/model.ts';
import type { RoutingTable } from '../routing/table.ts';
import type { Rendered } from './text/rendered.ts';

export interface Candidate {
  readonly text: string;
  readonly token: string;
  readonly files: ReadonlyMap<string, string>;
}

export type Installed =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly stage: 'check' | 'install' | 'start' | 'reload' | 'confirm';
      /** Nginx's own words, where it had some. */
      readonly message: string;
    };

export interface PlaneProcess {
  /** Null: nginx would take it. Else its words. */
  check(candidate: Candidate): Promise<string | null>;
  install(candidate: Candidate): Promise<Installed>;
  /** Takes over the nginx that a former process of ours started. */
  adopt(): Promise<boolean>;
  stop(graceMs: number): Promise<void>;
  runningToken(): string | null;
}

export interface PlaneAddresses {
  hold(hosts: Iterable<string>, waitMs: number): Promise<void>;
  addresses(host: string): readonly string[] | null;
  stop(): void;
}

/** Addresses by host; null: it has none yet. */
export type AddressBook = ReadonlyMap<string, readonly string[] | null>;

export type Render = (services: readonly ServedMigration[], addresses: AddressBook) => Promise<Rendered>;

/** Which of the named services make the check fail, each with nginx's words; none where it fails without any service too. */
export type FindRefused = (
  names: readonly string[],
  check: (subset: readonly string[]) => Promise<string | null>,
) => Promise<ReadonlyMap<string, string>>;

export function backendHosts(services: readonly ServedMigration[]): Set<string> {
  return new Set(services.flatMap(({ migration }) => [migration.old.address, migration.new.address]));
}

/** By name. Tables keep the object of a service that did not change. */
export type Services = ReadonlyMap<string, ServedMigration>;

export function byName({ services }: RoutingTable): Services {
  return new Map(services.map((served) => [served.migration.name, served]));
}
