/**
 * What docs/cli.md shows as the output of a command is that command's output, asked of a proxy that runs the example configuration.
 */
import { expect } from 'chai';
import { REPOSITORY, runCli } from '../support/cli.ts';
import { RunningProxy } from '../support/running-proxy.ts';
import { blocksOf, pageText } from './page.ts';

const PAGE = pageText('docs/cli.md');

/** The commands of a block, each with the lines that follow it. */
function shownIn(text: string): { args: string[]; output: string }[] {
  return text
    .split(/^\$ migration-proxy /m)
    .slice(1)
    .map((part) => {
      const [line] = part.split('\n', 1);
      const args = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
      return { args, output: part.slice(line.length + 1) };
    });
}

function titles(output: string): string[] {
  const [, title] = /\n\n(SERVICE .*)\n/.exec(output)!;
  return title.split(/ {2,}/);
}

describe('answers that docs/cli.md shows', () => {
  let proxy: RunningProxy;
  const ask = (args: readonly string[]) =>
    runCli(args, { cwd: REPOSITORY, env: { MIGRATION_PROXY_ADMIN: proxy.admin } });

  before(async () => {
    proxy = await RunningProxy.start(pageText('config/migration.yaml'));
  });

  after(() => proxy.stop());

  const shown = blocksOf(PAGE).filter(({ info }) => info === 'sh-shown');
  it('are there', () => expect(shown).to.have.length.at.least(4));

  for (const { args, output } of shown.flatMap(({ text }) => shownIn(text))) {
    it(`migration-proxy ${args.join(' ')}`, async () => {
      expect(await ask(args)).to.include({ code: 0, stdout: output, stderr: '' });
    });
  }

  it('migration-proxy status', async () => {
    const [{ output }] = blocksOf(PAGE)
      .filter(({ info }) => info === 'status-shown')
      .flatMap(({ text }) => shownIn(text));
    const { stdout } = await ask(['status']);
    expect(titles(stdout)).to.deep.equal(titles(output));
    const summary = /^migration-proxy \d+\.\d+\.\d+ {2}\S+ {2}ready {2}generation \d+ {2}file:\S+\n/;
    expect(stdout).to.match(summary);
    expect(output).to.match(summary);
  });

  it('migration-proxy history, of what was done above', async () => {
    const [{ output }] = blocksOf(PAGE)
      .filter(({ info }) => info === 'history-shown')
      .flatMap(({ text }) => shownIn(text));
    const words = (table: string) =>
      table
        .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, 'TIME')
        .replace(/cli:\S+/g, 'cli:NAME')
        .replace(/ {2,}/g, '  ');
    expect(words((await ask(['history'])).stdout)).to.equal(words(output));
  });

  it('migration-proxy run, when it is ready', () => {
    const [{ text }] = blocksOf(PAGE).filter((block) => block.text.startsWith('proxy  '));
    const shape = (output: string) => output.replace(/http:\S+/g, 'URL');
    expect(shape(proxy.process.stdout)).to.equal(shape(text));
  });
});
