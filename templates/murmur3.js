/**
 * MurmurHash3 (x86, 32 bit, seed 0) for nginx's njs module. In: the bytes of $murmur3_key_N. Out: the place of their hash among
 * the 10 000 of its space, four digits: hash below share of p basis points where the place is below p. '' for an empty key.
 */
const MAX = 0xffffffff;
const MOST_KEYS = 64;

function scramble(k) {
  k = Math.imul(k, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}

function hash32(bytes) {
  const whole = bytes.length - (bytes.length % 4);
  let h = 0;
  for (let i = 0; i < whole; i += 4) {
    h ^= scramble(bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24));
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let i = bytes.length - 1; i >= whole; i--) rest = (rest << 8) | bytes[i];
  if (whole < bytes.length) h ^= scramble(rest);
  h ^= bytes.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The first hash that is no longer below the share. */
function threshold(bp) {
  const product = bp * MAX;
  return (product - (product % 10000)) / 10000;
}

function place(hash) {
  let found = Math.min(9999, Math.floor((hash * 10000) / MAX));
  while (threshold(found) > hash) found--;
  while (found < 9999 && threshold(found + 1) <= hash) found++;
  return found;
}

function placeOf(key) {
  return (r) => {
    const bytes = r.rawVariables[key];
    return bytes === undefined || bytes.length === 0 ? '' : `000${place(hash32(bytes))}`.slice(-4);
  };
}

const functions = {};
for (let i = 1; i <= MOST_KEYS; i++) functions[`place_${i}`] = placeOf(`murmur3_key_${i}`);

export default functions;
