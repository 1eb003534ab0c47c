/**
 * The thread of config-reader.ts: one task in, its result out, then it ends.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type ReaderTask, work } from './config-reader.ts';

parentPort?.postMessage(work(workerData as ReaderTask));
