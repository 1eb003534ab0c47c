/**
 * What README.md and CONTRIBUTING.md tell a newcomer to type is there, the example is right, and no link on any page leads nowhere.
 */
import { existsSync, globSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { buildProgram } from '../../src/cli/program.ts';
import { FAULTS } from '../../src/demo/clusters.ts';
import { guide } from '../../src/demo/scene.ts';
import { REPOSITORY, runCli } from '../support/cli.ts';
import { tempDir } from '../support/temp-dir.ts';
import { blocksOf, codesIn, pageText } from './page.ts';

const README = pageText('README.md');
const CONTRIBUTING = pageText('CONTRIBUTING.md');
const PACKAGE = JSON.parse(pageText('package.json')) as { readonly scripts: Readonly<Record<string, string>> };

/** The command lines of all shell blocks, comments gone. */
function linesOf(text: string): string[] {
  return blocksOf(text)
    .filter(({ info }) => info === 'sh')
    .flatMap((block) => block.text.split('\n').map((line) => line.replace(/\s+#.*$/, '').trim()))
    .filter((line) => line !== '');
}

/** Words as a shell splits them, as far as pages use it. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, plain]) => double ?? single ?? plain);
}

function expectCommand(words: readonly string[]): void {
  const command = buildProgram().commands.find((one) => one.name() === words[0]);
  expect(command, words.join(' ')).not.to.equal(undefined);
  const known = command!.options.flatMap(({ long, short }) => [long, short]);
  for (const word of words.filter((one) => one.startsWith('-'))) expect(known, words.join(' ')).to.include(word);
}

/** Regexes in code look like links. */
function withoutCode(page: string): string {
  return pageText(page).replace(/```[\s\S]*?^```$|`[^`\n]*`/gm, '');
}

function expectScript(line: string): void {
  const [, called] = /^npm (?:run )?([a-z:]+)/.exec(line)!;
  expect(PACKAGE.scripts, line).to.have.property(called);
  const [, flags] = line.split(' -- ');
  // What is given to `npm start` is given to `run`.
  if (called === 'start' && flags !== undefined) expectCommand(['run', ...wordsOf(flags)]);
}

describe('the first pages', () => {
  for (const [name, text] of Object.entries({ 'README.md': README, 'CONTRIBUTING.md': CONTRIBUTING })) {
    it(`${name}: every command is there, with its flags`, () => {
      const lines = [...linesOf(text), ...codesIn(text).filter((code) => /^np[mx] /.test(code))];
      expect(lines).not.to.deep.equal([]);
      for (const line of lines) {
        const words = wordsOf(line);
        if (words[0] === 'npm' && words[1] !== 'ci' && words[1] !== 'pack') expectScript(line);
        if (line.startsWith('npx migration-proxy') && words.length > 2) expectCommand(words.slice(2));
        const file = /npx mocha (\S+)/.exec(line)?.[1];
        if (file !== undefined) expect(existsSync(join(REPOSITORY, file)), line).to.equal(true);
      }
    });
  }

  it('README.md: the configuration is right, and a mistake in it is where the page says', async () => {
    const [{ text }] = blocksOf(README).filter(({ info }) => info === 'yaml');
    const cwd = tempDir();
    const validate = async (yaml: string) => {
      writeFileSync(join(cwd, 'migration.yaml'), yaml);
      return runCli(['validate', 'migration.yaml'], { cwd });
    };
    expect(await validate(text)).to.include({ code: 0, stdout: '' });
    const [, shown] = /`(migration\.yaml:[^`]*): …`/.exec(README)!;
    expect((await validate(text.replace('percentage: 20', 'percentage: 200'))).stdout).to.match(
      new RegExp(`^${shown.replace(/[[\]]/g, '\\$&')}: `),
    );
  });

  it('README.md: the demo can be broken as it says, and tells so itself', () => {
    const [line] = linesOf(README).filter((one) => one.includes('/new/break'));
    const [, comment] = README.split(line)[1].split('\n')[0].split('# or ');
    expect([/how=(\w+)/.exec(line)![1], ...comment.split(', ')]).to.have.members(Object.keys(FAULTS));
    const told = guide({ traffic: '', admin: '', switches: '', file: '', log: '', adminFlag: '' });
    expect(told).to.include(`# or ${comment}`);
  });

  for (const page of globSync(['*.md', 'docs/**/*.md', 'bench/*.md'], { cwd: REPOSITORY }).sort()) {
    it(`${page}: every link leads somewhere`, () => {
      for (const [, target] of withoutCode(page).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [path, anchor] = target.split('#');
        const file = path === '' ? page : join(dirname(page), path);
        expect(existsSync(join(REPOSITORY, file)), `${page}: ${target}`).to.equal(true);
        if (anchor === undefined) continue;
        const titles = [...pageText(file).matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
          title
            .toLowerCase()
            .replace(/[^\w\s-]/g, '')
            .replaceAll(' ', '-'),
        );
        expect(titles, `${page}: ${target}`).to.include(anchor);
      }
    });
  }
});
