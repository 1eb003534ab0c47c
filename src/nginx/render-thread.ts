/**
 * The thread of renderer.ts: one task in, its result out, then it ends.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type RenderTask, renderNow } from './renderer.ts';

parentPort?.postMessage(renderNow(workerData as RenderTask));
