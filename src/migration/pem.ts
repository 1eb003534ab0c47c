/**
 * Certificates as PEM text. In: what stands under `ca` or in the file that `ca_file` names. Out: what is wrong with it, or null. Only
 * the form is read: whether a certificate is trusted or has expired is the business of whoever connects.
 */
import { X509Certificate } from 'node:crypto';

const MAX_CHARACTERS = 256 * 1024;
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

export function pemProblem(text: string): string | null {
  if (text.length > MAX_CHARACTERS) return `has more than ${MAX_CHARACTERS / 1024} KiB`;
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return 'holds a private key, which has no place here';
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0) return 'holds no PEM certificate';
  const broken = blocks.findIndex((block) => !readsAsCertificate(block));
  return broken === -1 ? null : `certificate ${broken + 1} of ${blocks.length} cannot be read`;
}

function readsAsCertificate(block: string): boolean {
  try {
    new X509Certificate(block);
    return true;
  } catch {
    return false;
  }
}
