/**
 * Long-lived exchanges through a proxy with a StreamingCluster: where to connect in; a stream that can be asked whether it is
 * still alive out.
 */
import { WebSocket } from 'ws';
import { within } from './eventually.ts';
import { readHead } from './http-message.ts';
import { RawClient, requestBytes } from './raw-client.ts';
import type { StreamingCluster } from './streaming-cluster.ts';

const HEARD_MS = 5_000;

export interface Stream {
  /** The text, as it came back from the cluster, or over it; rejects when the stream is dead. */
  echo(text: string): Promise<string>;
  readonly ended: Promise<unknown>;
  close(): void;
}

export interface Where {
  readonly port: number;
  readonly host: string;
}

/** A WebSocket; the cluster repeats what it hears. */
export async function openSocket({ port, host }: Where): Promise<Stream> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`, { headers: { Host: host } });
  const ended = new Promise((resolve) => socket.once('close', resolve));
  await within('open', new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)));
  socket.on('error', () => {});
  return {
    ended,
    close: () => socket.terminate(),
    echo: async (text) => {
      const heard = new Promise<string>((resolve) => socket.once('message', (data) => resolve(String(data))));
      socket.send(text);
      return (await within(`an echo of ${text}`, heard, HEARD_MS)).replace(/^\w+ heard /, '');
    },
  };
}

/** An event stream; the cluster is told to send. */
export async function openEvents({
  port,
  host,
  cluster,
}: Where & { readonly cluster: StreamingCluster }): Promise<Stream> {
  const count = cluster.streams.length;
  const client = await RawClient.connect(port);
  const ended = new Promise((resolve) => client.socket.once('close', resolve));
  client.send(requestBytes({ path: '/events', host, headers: { Accept: 'text/event-stream' } }));
  await readHead(client.queue, HEARD_MS);
  const stream = cluster.streams[count];
  return {
    ended,
    close: () => client.destroy(),
    echo: async (text) => {
      stream.write(`data: ${text}\n\n`);
      const heard = (await client.queue.until(`${text}\n\n`, HEARD_MS)).toString();
      return /data: (.*)\n\n/.exec(heard)?.[1] ?? heard;
    },
  };
}
