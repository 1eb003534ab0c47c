/**
 * How the last good configuration and the history stand in ConfigMaps of ours. In: texts, or objects that anybody may have edited.
 * Out: values for an object, the same for the same text; or what an object holds. Refuses to know what the texts mean.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { tooHeavy } from '../controller/json-weight.ts';
import { KubeFailure } from './api.ts';
import type { Kept, KeptForm } from './kept-text.ts';

const FORMAT = '1';
const LAST_GOOD_KEY = 'last-good.json.gz';
const HISTORY_KEY = 'history.json';

/** Of what is written and of what is read: 50 000 services. 1 MiB of an object may unpack into a thousand times as much. */
const MOST_UNPACKED_BYTES = 16 * 1024 * 1024;

/** zlib writes no time and no name into the head: equal texts are equal bytes. */
export const lastGoodForm: KeptForm = {
  what: 'the last good configuration',
  toObject: async (text) => {
    // What nobody could read again would stand in the way of what was kept before.
    const problem = unreadable(text);
    if (problem !== null) throw new KubeFailure('too_large', problem);
    const packed = await promisify(gzip)(text, { level: 9 });
    return { data: { format: FORMAT }, binaryData: { [LAST_GOOD_KEY]: packed.toString('base64') } };
  },
  fromObject: async ({ data, binaryData }) => {
    const packed = binaryData[LAST_GOOD_KEY];
    if (data.format !== undefined && data.format !== FORMAT) return { kind: 'foreign' };
    if (packed === undefined) return { kind: 'none' };
    try {
      const options = { maxOutputLength: MOST_UNPACKED_BYTES };
      const text = (await promisify(gunzip)(Buffer.from(packed, 'base64'), options)).toString('utf8');
      return formatOf(text);
    } catch (error) {
      const isTooLong = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
      return { kind: 'damaged', why: isTooLong ? tooLong() : 'it cannot be unpacked' };
    }
  },
};

export const historyForm: KeptForm = {
  what: 'the history',
  toObject: async (text) => ({ data: { [HISTORY_KEY]: text } }),
  fromObject: async ({ data }) => {
    const text = data[HISTORY_KEY];
    return text === undefined ? { kind: 'none' } : formatOf(text);
  },
};

/** Both texts are JSON that tells its format. */
function formatOf(text: string): Kept {
  const why = tooHeavy(text);
  if (why !== null) return { kind: 'damaged', why };
  try {
    const json = JSON.parse(text) as { readonly format?: unknown } | null;
    if (typeof json?.format !== 'number') return { kind: 'damaged', why: 'it does not say its format' };
    return String(json.format) === FORMAT ? { kind: 'text', text } : { kind: 'foreign' };
  } catch {
    return { kind: 'damaged', why: 'it is no JSON' };
  }
}

/** Null: whoever starts in a small pod can read it. */
function unreadable(text: string): string | null {
  return Buffer.byteLength(text) > MOST_UNPACKED_BYTES ? tooLong() : tooHeavy(text);
}

function tooLong(): string {
  return `it has more than ${MOST_UNPACKED_BYTES} bytes when it is unpacked`;
}
