/**
 * Values that tables decide, quoted as directives and log formats take them. In: their expressions. Out: tokens for the templates.
 */
import { type Expression, variable } from './expression.ts';
import { quote } from './quote.ts';
import type { TableValues } from './tables.ts';
import type { Token } from './token.ts';

/** What the services need of the text. */
export interface Kind {
  readonly migrates: boolean;
  readonly divided: boolean;
}

export type PrintedValues = ReturnType<typeof printedValues>;

/** Expressions of the tables, as directives and log formats take them. */
export function printedValues(values: TableValues, { migrates, divided }: Kind) {
  const printed = (expression: Expression, field: string): Token => quote(expression, field);
  return {
    requestId: printed(values.requestId, 'request id'),
    forwardedFor: printed(values.forwardedFor, 'X-Forwarded-For'),
    forwardedProto: printed(values.forwardedProto, 'X-Forwarded-Proto'),
    forwardedHost: printed(values.forwardedHost, 'X-Forwarded-Host'),
    forwardedPort: printed(values.forwardedPort, 'X-Forwarded-Port'),
    via: printed(values.via, 'Via'),
    authority: printed(values.authority, 'Host'),
    upstreamHost: printed(migrates ? [variable('upstream_host')] : values.authority, 'Host'),
    renames: migrates,
    lane: printed(['@', variable('lane'), ...(divided ? [variable('lanes_of')] : [])], 'lane'),
    own: {
      requestId: printed(values.requestId, 'request id'),
      exposes: values.exposed !== null,
      sticks: values.stickySet !== null,
    },
  };
}
