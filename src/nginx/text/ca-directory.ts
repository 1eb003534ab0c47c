/**
 * CAs as a directory that OpenSSL looks them up in at a handshake (X509_LOOKUP_hash_dir(3)): PEM text in; files out, one certificate
 * each, named by the hash of its subject in OpenSSL's canonical form, as `openssl rehash` names its links. What each location
 * of nginx would else parse when it is loaded costs nothing there. Decides nothing of trust.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { pemFile } from './grammar.ts';

const SEQUENCE = 0x30;
const SET = 0x31;
const UTF8_STRING = 12;
const VERSION = 0xa0;
/** Of tbsCertificate without its version (RFC 5280 section 4.1): serialNumber, signature, issuer, validity, subject. */
const SUBJECT = 4;

/** `9d66eef0.0` and its text, for each certificate of the PEM. Throws a ConfigurationFault, and on what is no certificate. */
export function caDirectoryFiles(pem: string, field: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const text of new Set(pemFile(pem, field).match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g))) {
    const hash = subjectHash(new X509Certificate(text).raw);
    let number = 0;
    while (files.has(`${hash}.${number}`)) number++;
    files.set(`${hash}.${number}`, `${text}\n`);
  }
  return files;
}

/** X509_subject_name_hash(3) of OpenSSL 1.0.0 and later: eight hex digits. */
function subjectHash(certificate: Uint8Array): string {
  const [toBeSigned] = parts(parts(certificate)[0].content);
  const fields = parts(toBeSigned.content).filter(({ tag }) => tag !== VERSION);
  const names = parts(fields[SUBJECT].content).map(({ content }) => canonicalSet(content));
  const digest = createHash('sha1').update(Buffer.concat(names)).digest();
  return digest.readUInt32LE().toString(16).padStart(8, '0');
}

function canonicalSet(content: Uint8Array): Buffer {
  const attributes = parts(content).map((attribute) => {
    const [type, value] = parts(attribute.content);
    return element(SEQUENCE, Buffer.concat([type.whole, canonicalValue(value)]));
  });
  return element(SET, Buffer.concat(attributes.sort(Buffer.compare)));
}

/** As asn1_string_canon of OpenSSL: UTF-8, letters of ASCII small, blanks one each and none around; other types as they are. */
function canonicalValue({ tag, content, whole }: Part): Uint8Array {
  const text = DECODERS.get(tag)?.(Buffer.from(content));
  if (text === undefined) return whole;
  const canonical = text
    .replace(/^[ \t-\r]+|[ \t-\r]+$/g, '')
    .replace(/[ \t-\r]+/g, ' ')
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  return element(UTF8_STRING, Buffer.from(canonical));
}

/** By tag of ASN.1: UTF8String, PrintableString, T61String, IA5String, VisibleString, UniversalString, BMPString. */
const DECODERS: ReadonlyMap<number, (bytes: Buffer) => string> = new Map([
  [UTF8_STRING, (bytes) => bytes.toString('utf8')],
  ...[19, 20, 22, 26].map((tag) => [tag, (bytes: Buffer) => bytes.toString('latin1')] as const),
  [28, (bytes) => wide(bytes, 4)],
  [30, (bytes) => wide(bytes, 2)],
]);

function wide(bytes: Buffer, size: number): string {
  const points = Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => bytes.readUIntBE(i * size, size));
  return String.fromCodePoint(...points);
}

/** One element of DER. */
interface Part {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

function parts(der: Uint8Array): Part[] {
  const found: Part[] = [];
  for (let at = 0; at < der.length; ) {
    const lengthBytes = der[at + 1] < 0x80 ? 0 : der[at + 1] & 0x7f;
    const from = at + 2 + lengthBytes;
    const length =
      lengthBytes === 0 ? der[at + 1] : der.subarray(at + 2, from).reduce((sum, byte) => sum * 256 + byte, 0);
    found.push({ tag: der[at], content: der.subarray(from, from + length), whole: der.subarray(at, from + length) });
    at = from + length;
  }
  return found;
}

function element(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  const sizes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...sizes]), content]);
}
