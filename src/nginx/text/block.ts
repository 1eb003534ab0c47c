/**
 * The tables of the configuration, shaped like nginx's own: `map`, `geo` and `split_clients`
 * (ngx_http_map_module, ngx_http_geo_module, ngx_http_split_clients_module). Plain data; who prints them quotes them.
 */
import type { Expression } from './expression.ts';

/** `exact`: compared without case, as nginx's map does. `regex`: PCRE, with case unless it says `(?i)`. */
export type MapKey =
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'regex'; readonly pattern: string };

export interface MapBlock {
  readonly kind: 'map';
  readonly source: Expression;
  /** Without the sign. */
  readonly variable: string;
  /** Evaluated anew each time it is asked for: what it looks at changes between two attempts. */
  readonly volatile: boolean;
  readonly fallback: Expression;
  readonly rows: readonly { readonly key: MapKey; readonly value: Expression }[];
}

export interface GeoBlock {
  readonly kind: 'geo';
  readonly variable: string;
  /** CIDRs whose X-Forwarded-For is believed (`proxy`, with `proxy_recursive`). */
  readonly proxies: readonly string[];
  readonly fallback: string;
  readonly rows: readonly { readonly cidr: string; readonly value: string }[];
}

export interface SplitBlock {
  readonly kind: 'split_clients';
  readonly key: Expression;
  readonly variable: string;
  /** Basis points, 1 to 9999; what is left over is `rest`. */
  readonly rows: readonly { readonly shareBp: number; readonly value: string }[];
  readonly rest: string;
}

export type Block = MapBlock | GeoBlock | SplitBlock;
