/**
 * Why a certificate was not accepted, in words for people. In: what the TLS library said, the certificate, the time.
 * Out: text such as `certificate expired 2 h ago`. It verifies nothing itself.
 */
import type { PeerCertificate } from 'node:tls';
import { durationText } from '../fallback/words.ts';

/** `code`: OpenSSL's name of the problem, or Node's ERR_TLS_CERT_ALTNAME_INVALID. */
export function certificateProblem(code: string, certificate: PeerCertificate, wanted: string, nowMs: number): string {
  switch (code) {
    case 'CERT_HAS_EXPIRED': {
      const agoMs = nowMs - Date.parse(certificate.valid_to);
      return agoMs > 0 ? `certificate expired ${durationText(agoMs)} ago` : 'a certificate of the chain has expired';
    }
    case 'CERT_NOT_YET_VALID': {
      const inMs = Date.parse(certificate.valid_from) - nowMs;
      return inMs > 0
        ? `certificate is valid only in ${durationText(inMs)}`
        : 'a certificate of the chain is not yet valid';
    }
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `certificate is for ${namesOf(certificate)}, not for ${wanted}`;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return 'certificate is self-signed';
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return `certificate is signed by an authority that is not trusted (${code})`;
    default:
      return `certificate is not accepted (${code})`;
  }
}

function namesOf(certificate: PeerCertificate): string {
  const names = (certificate.subjectaltname ?? '').split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''));
  const [first = ''] = names;
  if (first !== '') return names.length === 1 ? first : `${first} and ${names.length - 1} more`;
  const commonName = certificate.subject?.CN;
  return (Array.isArray(commonName) ? commonName[0] : commonName) ?? 'nobody';
}
