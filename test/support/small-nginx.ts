/**
 * Hand-written texts for a real nginx, with the control server that NginxProcess asks: ports, a word to answer with in;
 * candidates out. And nginx programs that behave badly. @needs nginx is for the tests that use it.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import type { Candidate } from '../../src/nginx/process/candidate.ts';
import { NginxProcess } from '../../src/nginx/process/nginx-process.ts';
import type { NginxEvent, NginxProcessOptions } from '../../src/nginx/process/options.ts';
import { tempDir } from './temp-dir.ts';

/** null: not installed. */
export const NGINX = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', 'nginx'].find(
  (command) => spawnSync(command, ['-v']).status === 0,
);

const TEMP_KINDS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

export interface SmallText {
  readonly port: number;
  /** What the traffic port answers. */
  readonly word: string;
  readonly workers?: number;
  /** More directives of the main context, of http, of the server. */
  readonly main?: string;
  readonly http?: string;
  readonly server?: string;
  /** What `/generation` answers, where it is not the token. */
  readonly answered?: string;
}

export function smallText(directory: string, small: SmallText): Candidate {
  const body = (token: string): string => `daemon off;
worker_processes ${small.workers ?? 2};
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_shutdown_timeout 5s;
pid ${directory}/run/nginx.pid;
error_log ${directory}/log/error.log error;
${small.main ?? ''}
events {}
http {
  access_log off;
  ${TEMP_KINDS.map((kind) => `${kind}_temp_path ${directory}/temp/${kind};`).join('\n  ')}
  ${small.http ?? ''}
  server {
    listen unix:${directory}/run/control.sock;
    location = /generation { return 200 "${token}"; }
    location = /connections { stub_status; }
  }
  server {
    listen 127.0.0.1:${small.port};
    ${small.server ?? ''}
    location / { return 200 "${small.word}"; }
  }
}
`;
  const token = createHash('sha256').update(body('')).digest('hex').slice(0, 16);
  // A comment, so that the text has its token even where it answers with another.
  return { text: `# ${token}\n${body(small.answered ?? token)}`, token, files: new Map() };
}

/** What the traffic port answers now, on a connection of its own; rejects when nobody listens. */
export function wordAt(port: number, path = '/'): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false, timeout: 2_000 }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => {
        text += piece;
      });
      answer.once('end', () => resolve(text));
      answer.once('error', reject);
    });
    request.once('timeout', () => request.destroy(new Error('no answer within 2 s')));
    request.once('error', reject);
  });
}

/** A program that is nginx, but for what the shell lines before do with its arguments `$*`. */
export function oddNginx(lines: string): string {
  const path = join(tempDir(), 'nginx');
  writeFileSync(path, `#!/bin/sh\n${lines}\nexec ${NGINX} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Processes that the tests of one file start; `end` leaves none of them. */
export class NginxBench {
  readonly #all: NginxProcess[] = [];
  readonly #pids = new Set<number>();

  directory(): string {
    const directory = join(tempDir(), 'd');
    mkdirSync(directory, { mode: 0o700 });
    return directory;
  }

  make(directory: string, options: Partial<NginxProcessOptions> = {}): { nginx: NginxProcess; events: NginxEvent[] } {
    const events: NginxEvent[] = [];
    const nginx = new NginxProcess({
      directory,
      nginx: NGINX as string,
      workerUser: process.getuid?.() === 0 ? 'root' : null,
      now: () => performance.now(),
      onEvent: (event) => events.push(event),
      ...options,
    });
    this.#all.push(nginx);
    return { nginx, events };
  }

  /** A master that none of ours may know of at the end. */
  note(pid: number): number {
    this.#pids.add(pid);
    return pid;
  }

  async end(): Promise<void> {
    for (const nginx of this.#all.splice(0)) await nginx.stop(0);
    for (const pid of this.#pids) {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
    this.#pids.clear();
  }
}

/** Makes the suite skip by name where nginx is missing; in CI that is a failure. */
export function needsNginx(suite: Mocha.Context): void {
  if (NGINX !== undefined) return;
  const reason = 'nginx is not installed (Debian: apt-get install nginx-light)';
  if (process.env.CI) throw new Error(reason);
  console.log(`      skipped: ${reason}`);
  suite.skip();
}
