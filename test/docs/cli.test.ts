/**
 * What docs/cli.md says of the command line is true: every command, flag, twin and default is there and no other, and the
 * examples that need no server run.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Command, Option } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';
import { REPOSITORY, runCli } from '../support/cli.ts';

const text = readFileSync(join(REPOSITORY, 'docs', 'cli.md'), 'utf8');
const commands = buildProgram().commands.filter((command) => command.name() !== '__complete');
/** Described once for all commands. */
const COMMON = new Set(['--admin', '--reason']);

function sectionOf(command: Command): string {
  const title = ['abort', 'resume'].includes(command.name()) ? 'abort and resume' : command.name();
  return text.split(/^## /m).find((section) => section.startsWith(`${title}\n`)) ?? '';
}

describe('docs of the command line', () => {
  for (const command of commands) {
    it(`describe ${command.name()} and its flags`, () => {
      expect(text).to.include(`\`${command.name()}`);
      for (const option of command.options) {
        if (COMMON.has(option.long ?? '')) continue;
        expect(sectionOf(command), `${command.name()} ${option.long}`).to.match(new RegExp(`\`?${option.long}\\b`));
      }
      for (const [flag] of sectionOf(command).matchAll(/(?<=\| `(?:-\w`, `)?)--[a-z-]+/g)) {
        expect(
          command.options.map(({ long }) => long),
          'a flag that is not there',
        ).to.include(flag);
      }
    });
  }

  it('give the twin and the default of each flag of run', () => {
    const run = commands.find((command) => command.name() === 'run') as Command;
    const shown = (option: Option) => option.defaultValueDescription ?? option.defaultValue ?? '';
    for (const option of run.options) {
      const row = sectionOf(run)
        .split('\n')
        .find((line) => line.startsWith(`| \`${option.long} `));
      const cells = row?.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('`', ''));
      expect(cells?.slice(2, 4), option.long).to.deep.equal([option.envVar, String(shown(option))]);
    }
  });

  for (const [, line] of text.matchAll(/^```sh-example\n\$ migration-proxy (.*)\n```$/gm)) {
    it(`migration-proxy ${line}`, async () => {
      const args = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
      const { code, stderr } = await runCli(args);
      expect(code, stderr).to.equal(0);
    });
  }
});
