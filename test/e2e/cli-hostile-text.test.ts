/**
 * Text that others wrote (a file, a file's name, an answer of whoever listens on the admin port) reaches a person's terminal through
 * the command line: it must neither steer the terminal, nor forge a line, nor end up on the next command line.
 */
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { type CliResult, runCli } from '../support/cli.ts';
import { tempDir } from '../support/temp-dir.ts';

const EVIL = '\u001b[31m\u009b2J\u202e\nforged';
/** Nothing but whole lines of visible characters. */
const STEERING = /[^\P{Cc}\n]|[\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

function isHarmless({ stdout, stderr }: CliResult): void {
  expect(stdout + stderr).not.to.match(STEERING);
  expect(`${stdout}${stderr}`.split('\n')).not.to.include('forged');
}

describe('hostile text on the command line', () => {
  let server: Server;
  let env: Record<string, string>;
  let answer: { status: number; body: unknown };

  before(async () => {
    server = createServer((_, response) => {
      response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer.body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    env = { MIGRATION_PROXY_ADMIN: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  });

  after(() => server.close());

  it('in keys, values and the name of a file', async () => {
    const file = join(tempDir(), `m${EVIL}.yaml`);
    writeFileSync(
      file,
      'services:\n  - { name: "\\e[31m", "\\u009b2J": 1, "\\u202e": 1, old_host: "\\e[0m", old_backend: "\\u009bx" }\n',
    );
    for (const args of [['validate'], ['explain', 'a', '--local-config'], ['update', 'a', '3', '--local-config']]) {
      const result = await runCli([...args, file]);
      expect(result.code).to.equal(1);
      isHarmless(result);
      isHarmless(await runCli([...args, `${file}${EVIL}`]));
    }
  });

  it('in answers of an admin server', async () => {
    for (const code of ['no_such_service', 'refused']) {
      answer = { status: code === 'refused' ? 409 : 404, body: { code, detail: EVIL } };
      for (const args of [['status'], ['abort', 'a'], ['update', 'a', '3'], ['explain', 'a']]) {
        isHarmless(await runCli(args, { env }));
      }
    }
    answer = { status: 200, body: { message: EVIL } };
    isHarmless(await runCli(['abort', 'a'], { env }));
  });

  it('in names of services that a shell completes', async () => {
    answer = {
      status: 200,
      body: { services: [{ name: '$(reboot)' }, { name: ':files' }, { name: EVIL }, { name: 'shop' }] },
    };
    expect(await runCli(['__complete', '--', 'abort', ''], { env })).to.include({ code: 0, stdout: 'shop\n' });
  });
});
