/**
 * The services of a table, compiled. In: a table and what was compiled for the one before. Out: one compiled service for each, in
 * the table's order; those that did not change are taken over, because reading 1 000 CIDRs takes 20 ms and an edit
 * mostly changes one service. Knows nothing of hosts.
 */
import { type CompiledService, compileService } from '../allocator/compile.ts';
import type { RoutingTable } from './table.ts';

export function compileTable(
  table: RoutingTable,
  previous: readonly CompiledService[] = [],
): readonly CompiledService[] {
  const before = new Map(previous.map((service) => [service.served, service]));
  return table.services.map((served, index) => {
    const kept = before.get(served);
    if (kept === undefined) return compileService(served, index);
    return kept.index === index ? kept : Object.freeze({ ...kept, index });
  });
}
