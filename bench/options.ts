/**
 * What is measured, from the words of the command line: words in, options or a usage error out.
 */
import { parseArgs } from 'node:util';
import type { Sharing } from './backends.ts';

/** One kind of load. Everything is HTTP/1.1, and 1 KiB answers on kept connections where nothing else is said. */
export const SHAPES = {
  'keep-alive': 'GET, 1 KiB answers, kept connections',
  tls: 'the same with TLS to the backend, verified',
  post: 'POST of 4 KiB',
  large: '64 KiB answers',
  connect: 'a new connection for each request',
} as const;

export type Shape = keyof typeof SHAPES;

export interface Options {
  readonly shapes: readonly Shape[];
  /** Empty: all proxies. */
  readonly only: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  readonly proxyCore: number;
  readonly loadCore: number;
  /** The row that the others are compared to. */
  readonly base: string;
  /** Ours with so many services, compared to the same with a few; null: one service, compared to the others. */
  readonly services: number | null;
  readonly backends: Sharing;
  /** Fails when one of ours takes more than so many times the CPU of what it is compared to; null: only measures. */
  readonly atMost: number | null;
}

export const USAGE = `usage: npm run bench -- [--shape ${Object.keys(SHAPES).join('|')}|all]... [--only NAME,NAME] [--rounds 3] [--seconds 6]
       [--warm-up 2] [--connections 64] [--proxy-core 0] [--load-core 1]
       [--base 'nginx canary'] [--at-most RATIO] [--services NUMBER [--backends shared|distinct]]`;

/** Throws an Error whose message is for a person. */
export function readOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      shape: { type: 'string', multiple: true, default: ['keep-alive'] },
      only: { ...text, default: '' },
      rounds: { ...text, default: '3' },
      seconds: { ...text, default: '6' },
      'warm-up': { ...text, default: '2' },
      connections: { ...text, default: '64' },
      'proxy-core': { ...text, default: '0' },
      'load-core': { ...text, default: '1' },
      base: { ...text, default: 'nginx canary' },
      services: text,
      backends: { ...text, default: 'shared' },
      'at-most': text,
    },
  });
  const names = values.shape.includes('all') ? Object.keys(SHAPES) : values.shape;
  const unknown = names.find((name) => !Object.hasOwn(SHAPES, name));
  if (unknown !== undefined) throw new Error(`no shape ${unknown}: ${Object.keys(SHAPES).join(', ')} or all`);
  if (values.backends !== 'shared' && values.backends !== 'distinct')
    throw new Error(`--backends is shared or distinct, got ${values.backends}`);
  return {
    shapes: names as Shape[],
    only: values.only.split(',').filter(Boolean),
    rounds: number('rounds', values.rounds),
    seconds: number('seconds', values.seconds),
    warmUpSeconds: number('warm-up', values['warm-up']),
    connections: number('connections', values.connections),
    proxyCore: number('proxy-core', values['proxy-core']),
    loadCore: number('load-core', values['load-core']),
    base: values.base,
    services: values.services === undefined ? null : number('services', values.services),
    backends: values.backends,
    atMost: values['at-most'] === undefined ? null : number('at-most', values['at-most']),
  };
}

function number(flag: string, text: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0)) throw new Error(`--${flag} wants a number, got ${JSON.stringify(text)}`);
  return value;
}
