/**
 * That an address in the register is a replica's, said by somebody who knows the admin token. In: the token, a replica's name and
 * address. Out: a text to stand beside them in the register, and whether one that stands there is right. The register is an object
 * that others may be allowed to write: without this, whoever writes an address of theirs there would be sent callers' tokens.
 */
import { createHmac, scryptSync, timingSafeEqual } from 'node:crypto';

/** 15 ms, once for each token. Whoever may read the register must not be able to try millions of tokens against a proof. */
const COST = { N: 2 ** 13, r: 8, p: 1 };
const SALT = 'migration-proxy register of replicas';

let last: { readonly token: string; readonly key: Buffer } | null = null;

export function replicaProof(token: string, name: string, address: string): string {
  return mac(token, name, address).toString('base64url');
}

export function isReplicaProof(
  proof: string | null,
  token: string,
  { name, address }: { readonly name: string; readonly address: string },
): boolean {
  const given = Buffer.from(proof ?? '', 'base64url');
  const right = mac(token, name, address);
  return given.length === right.length && timingSafeEqual(given, right);
}

function mac(token: string, name: string, address: string): Buffer {
  if (last?.token !== token) last = { token, key: scryptSync(token, SALT, 32, COST) };
  return createHmac('sha256', last.key)
    .update(JSON.stringify([name, address]))
    .digest();
}
