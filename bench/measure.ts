/**
 * One measurement: wrk against one proxy for some seconds, and the CPU that the proxy's processes took meanwhile. What others
 * took of the machine is measured as well, because it spoils the numbers.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Shape } from './options.ts';
import { busySeconds, usageOf } from './proc.ts';
import type { Running } from './processes.ts';

export interface Sample {
  readonly requests: number;
  readonly seconds: number;
  readonly userMicros: number;
  readonly systemMicros: number;
  /** User and system CPU of the proxy for one request, in microseconds. */
  readonly microsPerRequest: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
  readonly residentMiB: number;
  /** Cores that neither proxy nor wrk nor backend took. */
  readonly foreign: number;
}

export interface Load {
  readonly shape: Shape;
  readonly seconds: number;
  readonly connections: number;
  readonly core: number;
  /** Hosts asked in turn; null: one. */
  readonly hosts: number | null;
  /** How many different requests there are: equal for rows that are compared. */
  readonly requests: number;
}

const ENVIRONMENT: Readonly<Record<Shape, Readonly<Record<string, string>>>> = {
  'keep-alive': {},
  tls: {},
  post: { BENCH_METHOD: 'POST', BENCH_BODY_BYTES: '4096' },
  large: { BENCH_PATH: '/large' },
  connect: { BENCH_CONNECTION: 'close' },
};

export async function measure(proxy: Running, backend: Running, load: Load): Promise<Sample> {
  const before = {
    proxy: usageOf(proxy.pid),
    backend: usageOf(backend.pid),
    busy: busySeconds(),
    at: performance.now(),
  };
  const { output, cpuSeconds } = await wrk(proxy.port, load);
  const seconds = (performance.now() - before.at) / 1000;
  const after = { proxy: usageOf(proxy.pid), backend: usageOf(backend.pid), busy: busySeconds() };
  const read = readWrk(output);
  const user = after.proxy.userSeconds - before.proxy.userSeconds;
  const system = after.proxy.systemSeconds - before.proxy.systemSeconds;
  const backendCpu = cpu(after.backend) - cpu(before.backend);
  return {
    ...read,
    seconds,
    userMicros: (user * 1e6) / read.requests,
    systemMicros: (system * 1e6) / read.requests,
    microsPerRequest: ((user + system) * 1e6) / read.requests,
    residentMiB: after.proxy.residentBytes / 2 ** 20,
    foreign: Math.max(0, after.busy - before.busy - user - system - backendCpu - cpuSeconds) / seconds,
  };
}

function cpu({ userSeconds, systemSeconds }: { userSeconds: number; systemSeconds: number }): number {
  return userSeconds + systemSeconds;
}

function wrk(port: number, load: Load): Promise<{ output: string; cpuSeconds: number }> {
  const script = join(import.meta.dirname, 'load.lua');
  const flags = ['-t1', `-c${load.connections}`, `-d${load.seconds}s`, '--timeout', '5s', '--latency', '-s', script];
  const command = ['-c', `${load.core}`, 'wrk', ...flags, `http://127.0.0.1:${port}/`];
  return new Promise((resolve, reject) => {
    const hosts: Record<string, string> = load.hosts === null ? {} : { BENCH_HOSTS: `${load.hosts}` };
    const env = { ...process.env, ...ENVIRONMENT[load.shape], ...hosts, BENCH_REQUESTS: `${load.requests}` };
    const child = spawn('taskset', command, { env });
    let output = '';
    let cpuSeconds = 0;
    // What a child took is not told when it has ended: the last look is near enough.
    const look = setInterval(() => {
      cpuSeconds = Math.max(cpuSeconds, cpu(usageOf(child.pid as number)));
    }, 250);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      clearInterval(look);
      if (code === 0) resolve({ output, cpuSeconds });
      else reject(new Error(`wrk ended with ${code}:\n${output}`));
    });
  });
}

export function readWrk(output: string): Pick<Sample, 'requests' | 'requestsPerSecond' | 'p50Ms' | 'p99Ms' | 'errors'> {
  const number = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? 0);
  const ms = (percentile: string): number => {
    const [, value, unit] = new RegExp(`^\\s+${percentile}%\\s+([\\d.]+)(us|ms|s)`, 'm').exec(output) ?? [];
    return Number(value ?? 0) * (unit === 'us' ? 0.001 : unit === 's' ? 1000 : 1);
  };
  const socket =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output)?.slice(1).map(Number) ?? [];
  const errors = number(/Non-2xx or 3xx responses: (\d+)/) + socket.reduce((sum, count) => sum + count, 0);
  return {
    requests: number(/(\d+) requests in/),
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50Ms: ms('50'),
    p99Ms: ms('99'),
    errors,
  };
}
