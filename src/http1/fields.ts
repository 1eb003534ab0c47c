/**
 * The field lines of one HTTP/1.1 head, as byte ranges in the buffer they arrived in (RFC 9112 section 5).
 * One object serves many heads in turn: parsing fills the arrays and allocates nothing.
 */
export const MAX_FIELDS = 100;

/** Fields that the proxy itself looks at or rewrites; everything else is OTHER and copied as it came. */
export const F = {
  OTHER: 0,
  HOST: 1,
  CONTENT_LENGTH: 2,
  TRANSFER_ENCODING: 3,
  CONNECTION: 4,
  UPGRADE: 5,
  EXPECT: 6,
  TE: 7,
  TRAILER: 8,
  KEEP_ALIVE: 9,
  PROXY_CONNECTION: 10,
  PROXY_AUTHORIZATION: 11,
  PROXY_AUTHENTICATE: 12,
  VIA: 13,
  COOKIE: 14,
  X_FORWARDED_FOR: 15,
  X_FORWARDED_PROTO: 16,
  X_FORWARDED_HOST: 17,
  X_FORWARDED_PORT: 18,
  X_REQUEST_ID: 19,
  LOCATION: 20,
  CONTENT_LOCATION: 21,
  REFRESH: 22,
  SET_COOKIE: 23,
  CONTENT_TYPE: 24,
  HTTP2_SETTINGS: 25,
  DATE: 26,
  SERVER: 27,
  X_MIGRATION_CLUSTER: 28,
  X_MIGRATION_REASON: 29,
} as const;

export class Fields {
  buf: Buffer = Buffer.alloc(0);
  count = 0;
  /** One of F for each line. */
  readonly id = new Uint8Array(MAX_FIELDS);
  readonly nameStart = new Uint32Array(MAX_FIELDS);
  readonly nameEnd = new Uint32Array(MAX_FIELDS);
  /** Value without the white space around it. */
  readonly valueStart = new Uint32Array(MAX_FIELDS);
  readonly valueEnd = new Uint32Array(MAX_FIELDS);
  /** 1: hop-by-hop, or named by Connection: not forwarded (RFC 9110 section 7.6.1). Framing fields are never marked. */
  readonly hop = new Uint8Array(MAX_FIELDS);
}
