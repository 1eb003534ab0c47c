/**
 * `demo`: two toy clusters, a little load and the real proxy between them, to watch a migration and to break it.
 */
import { Command } from 'commander';
import { type ListenAddress, wholeNumber } from './arguments.ts';
import { helpTail, listenOption } from './options.ts';

interface DemoFlags {
  readonly listen: ListenAddress;
  readonly adminListen: ListenAddress;
  readonly switchPort: number;
}

const LOOPBACK = '127.0.0.1';

export function demoCommand(): Command {
  return new Command('demo')
    .summary('watch a migration on two toy clusters, and break it')
    .description('Starts two toy clusters, a little load and the proxy, and says what to try. Ctrl-C ends it.')
    .addOption(listenOption('--listen <host:port>', 'where the proxy takes traffic', `${LOOPBACK}:8000`))
    .addOption(listenOption('--admin-listen <host:port>', 'its admin server', `${LOOPBACK}:8080`))
    .option('--switch-port <port>', "the toy clusters' fault switches", wholeNumber(1, 65_535), 8090)
    .addHelpText(
      'after',
      helpTail(
        ['migration-proxy demo', 'migration-proxy demo --listen 127.0.0.1:9000 --admin-listen 127.0.0.1:9080'],
        ['0  ended by Ctrl-C', '2  it could not start (a port is taken, ...), or usage'],
      ),
    )
    .action(async ({ listen, adminListen, switchPort }: DemoFlags) => {
      const { runDemo } = await import('../demo/demo.ts');
      const on = ({ host, port }: ListenAddress) => ({ host: host ?? LOOPBACK, port });
      process.exitCode = await runDemo({ listen: on(listen), adminListen: on(adminListen), switchPort });
    });
}
