/**
 * Configuration texts read and edited without holding up traffic. In: a text. Out: what `src/migration` makes of it. A text of
 * thousands of services takes a second of work, which a thread of its own does; a small one is done at once.
 */
import { Worker } from 'node:worker_threads';
import { type Edited, setPercentage } from '../migration/edit.ts';
import { type ReadResult, readSource, type Source } from '../migration/parse.ts';

/** Up to this a text is read in a few milliseconds (measured: 2 to 3 characters a microsecond), sooner than a thread starts. */
const AT_ONCE_CHARS = 16 * 1024;

/** One piece of work, as it goes to the thread. */
export type ReaderTask =
  | { readonly kind: 'read'; readonly source: Source }
  | {
      readonly kind: 'edit';
      readonly text: string;
      readonly file: string;
      readonly service: string;
      readonly percentage: number;
    };

export function readConfiguration(source: Source): Promise<ReadResult> {
  return perform<ReadResult>({ kind: 'read', source }, source.text);
}

/** As `setPercentage` of src/migration/edit.ts. */
export function editPercentage(text: string, file: string, service: string, percentage: number): Promise<Edited> {
  return perform<Edited>({ kind: 'edit', text, file, service, percentage }, text);
}

/** What the thread runs too. */
export function work(task: ReaderTask): ReadResult | Edited {
  return task.kind === 'read'
    ? readSource(task.source)
    : setPercentage(task.text, task.file, task.service, task.percentage);
}

async function perform<R extends ReadResult | Edited>(task: ReaderTask, text: string): Promise<R> {
  return (text.length <= AT_ONCE_CHARS ? work(task) : await inThread(task)) as R;
}

function inThread(task: ReaderTask): Promise<unknown> {
  // The published package holds compiled files under the same names.
  const program = new URL(`./reader-thread${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);
  return new Promise((resolve, reject) => {
    const thread = new Worker(program, { workerData: task });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('the thread that reads the configuration ended without an answer')));
  });
}
