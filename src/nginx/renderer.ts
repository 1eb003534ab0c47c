/**
 * nginx's text made without holding up the process that watches the traffic: a few services at once, thousands in a thread
 * of their own. In: services, their addresses, settings. Out: what `src/nginx/text` makes of them.
 */
import { Worker } from 'node:worker_threads';
import type { ServedMigration } from '../migration/model.ts';
import type { AddressBook } from './plane-parts.ts';
import { readTemplates } from './templates.ts';
import type { TemplateTexts } from './text/printer.ts';
import { renderNginx } from './text/render.ts';
import type { Rendered } from './text/rendered.ts';
import type { NginxSettings } from './text/settings.ts';

/** Up to this they are rendered in some tens of ms at most. */
const AT_ONCE_SERVICES = 100;

let templates: TemplateTexts | null = null;

/** As it goes to the thread. */
export interface RenderTask {
  readonly services: readonly ServedMigration[];
  readonly addresses: AddressBook;
  readonly settings: NginxSettings;
}

export async function render(task: RenderTask): Promise<Rendered> {
  return task.services.length <= AT_ONCE_SERVICES ? renderNow(task) : await inThread(task);
}

/** What the thread runs too. */
export function renderNow({ services, addresses, settings }: RenderTask): Rendered {
  templates ??= readTemplates();
  return renderNginx({ services, settings, addresses: (host) => addresses.get(host) ?? null }, templates);
}

function inThread(task: RenderTask): Promise<Rendered> {
  // The published package holds compiled files under the same names.
  const program = new URL(`./render-thread${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);
  return new Promise((resolve, reject) => {
    const thread = new Worker(program, { workerData: task });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('the thread that renders ended without an answer')));
  });
}
