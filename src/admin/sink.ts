/**
 * Where log lines go: bytes in, written without making the event loop wait for whoever reads them.
 * What is right depends on what standard output is (tried with Node 24.21 on Linux): for a pipe or a socket Node's stream
 * waits in the event loop; for a file or a terminal it writes synchronously, so those are written by a thread instead. A
 * thread must not wait for a pipe: with a reader that stands still process.exit would never return.
 */
import { fstatSync, write } from 'node:fs';
import type { Writable } from 'node:stream';

/** Writes all bytes and then calls back once; it is handed nothing more until then. */
export type Sink = (bytes: Buffer, done: (error: Error | null) => void) => void;

const RETRY_MS = 20;

export function standardOutput(): Sink {
  const descriptor = 1;
  const kind = fstatSync(descriptor);
  return kind.isFIFO() || kind.isSocket() ? streamSink(process.stdout) : fileSink(descriptor);
}

export function streamSink(stream: Writable): Sink {
  // The callback tells of a closed pipe; without a listener the event would end the process.
  stream.on('error', () => {});
  return (bytes, done) => stream.write(bytes, (error) => done(error ?? null));
}

export function fileSink(descriptor: number): Sink {
  return function writeAll(bytes, done) {
    write(descriptor, bytes, 0, bytes.length, null, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(writeAll, RETRY_MS, bytes, done).unref();
      else if (error) done(error);
      else if (written < bytes.length) writeAll(bytes.subarray(written), done);
      else done(null);
    });
  };
}
