/**
 * One watch of ConfigMaps: opened, read to its end, ended. In: what to watch and from which version on. Out: what the handlers are
 * told, `onEnd` once and last. Refuses to know what follows an end.
 */
import type { IncomingMessage } from 'node:http';
import { KubeFailure, type Selection, type WatchHandlers } from './api.ts';
import { failureOfStatus, timedOut, unreachable } from './failures.ts';
import { kubeCall } from './kube-call.ts';
import type { Transport } from './transport.ts';
import { WatchStream } from './watch-stream.ts';

const OPEN_LIMIT_MS = 10_000;
/** The server ends the watch after this; and shortly before, it says with a bookmark how far it has come. */
const TIMEOUT_SECONDS = 30;
/** A watch that is older has lost its server without a word. */
const LIMIT_MS = 45_000;
const MOST_REFUSAL_BYTES = 64 * 1024;

export function openWatch(
  to: { readonly server: string; readonly transport: Transport },
  selection: Selection,
  resourceVersion: string,
  handlers: WatchHandlers,
): { stop(): void } {
  const { server, transport } = to;
  const stopped = new AbortController();
  let hasEnded = false;
  const end = (failure: KubeFailure | null): void => {
    if (hasEnded) return;
    hasEnded = true;
    clearTimeout(limit);
    stopped.abort();
    if (failure !== null && (failure.kind === 'timeout' || failure.kind === 'unreachable')) transport.dropIdle();
    handlers.onEnd(failure);
  };
  const limit = setTimeout(() => end(timedOut(server, 'watch configmaps', LIMIT_MS)), LIMIT_MS);

  const follow = async (): Promise<KubeFailure | null> => {
    const request = { method: 'GET', url: watchUrl(server, selection, resourceVersion), headers: {}, body: undefined };
    const response = await kubeCall({
      server,
      what: 'watch configmaps',
      limitMs: OPEN_LIMIT_MS,
      ask: 'once',
      perform: (signal) => transport.open(request, AbortSignal.any([signal, stopped.signal])),
    });
    if (response.statusCode !== 200) {
      const text = await firstOf(response);
      return failureOfStatus(server, 'watch configmaps', {
        status: response.statusCode ?? 0,
        headers: response.headers,
        text,
      });
    }
    if (hasEnded) return null;
    handlers.onHeard(resourceVersion);
    return pass(response, new WatchStream(server), handlers, () => hasEnded);
  };
  follow().then(end, (error: unknown) => end(error instanceof KubeFailure ? error : unreachable(server, error)));

  return {
    stop: () => {
      if (hasEnded) return;
      hasEnded = true;
      clearTimeout(limit);
      stopped.abort();
      transport.dropIdle();
    },
  };
}

async function pass(
  response: IncomingMessage,
  stream: WatchStream,
  handlers: WatchHandlers,
  hasEnded: () => boolean,
): Promise<KubeFailure | null> {
  for await (const chunk of response as AsyncIterable<Buffer>) {
    for (const event of stream.push(chunk)) {
      if (hasEnded()) return null;
      if (event.kind === 'failed') return event.failure;
      if (event.kind !== 'bookmark') handlers.onObject(event.kind, event.object);
      handlers.onHeard(event.kind === 'bookmark' ? event.resourceVersion : event.object.meta.resourceVersion);
    }
  }
  return stream.end();
}

function watchUrl(server: string, selection: Selection, resourceVersion: string): string {
  const { namespace } = selection;
  const where = namespace === null ? '' : `namespaces/${encodeURIComponent(namespace)}/`;
  const query = new URLSearchParams({
    watch: 'true',
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(TIMEOUT_SECONDS),
    resourceVersion,
    ...(selection.kind === 'one'
      ? { fieldSelector: `metadata.name=${selection.name}` }
      : { labelSelector: selection.labels }),
  });
  return `${server}/api/v1/${where}configmaps?${query}`;
}

async function firstOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length > MOST_REFUSAL_BYTES) break;
  }
  return text;
}
