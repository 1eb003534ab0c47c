/**
 * Flags that several commands share, each with its environment twin.
 */
import { InvalidArgumentError, Option } from 'commander';
import { adminUrl, listenAddress } from './arguments.ts';

export const OUTPUT_FORMATS = ['json', 'yaml'] as const;

export function adminOption(): Option {
  return new Option('--admin <url>', 'admin server of the proxy to ask')
    .env('MIGRATION_PROXY_ADMIN')
    .default(new URL('http://127.0.0.1:8080'), 'http://127.0.0.1:8080')
    .argParser(adminUrl);
}

/** For the commands that work on a file without a server. Without a twin: `run`'s would turn them away from the server. */
export function localConfigOption(description: string): Option {
  return new Option('--local-config <file>', description);
}

/** Without a twin: KUBECONFIG is everybody's. */
export function kubeconfigOption(when = ''): Option {
  return new Option(
    '--kubeconfig <file>',
    `${when}how to reach Kubernetes (default: in a pod its account, else KUBECONFIG or ~/.kube/config)`,
  );
}

export function reasonOption(): Option {
  return new Option('--reason <text>', 'why; shown in the status, the log and the history').argParser((text) => {
    if (text.length <= 500 && !/\p{Cc}/u.test(text)) return text;
    throw new InvalidArgumentError('expected at most 500 characters on one line');
  });
}

export function outputOption(...formats: readonly string[]): Option {
  return new Option('-o, --output <format>', 'format of the answer').choices(formats).default(formats[0]);
}

export function listenOption(flags: string, description: string, fallback: string): Option {
  return new Option(flags, description).argParser(listenAddress).default(listenAddress(fallback), fallback);
}

/** The last part of a command's help. */
export function helpTail(examples: readonly string[], exitCodes: readonly string[]): string {
  const lines = (title: string, entries: readonly string[]) => [title, ...entries.map((entry) => `  ${entry}`)];
  return ['', ...lines('Examples:', examples), '', ...lines('Exit codes:', exitCodes)].join('\n');
}
