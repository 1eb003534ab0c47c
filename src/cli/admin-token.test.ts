import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../../test/support/eventually.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { laterToken } from './admin-token.ts';

describe('the token of a Secret', () => {
  it('may come later and change, and the log says what is missing once', async () => {
    const file = join(tempDir(), 'token');
    const lines: string[] = [];
    const say = (_: object, message: string): void => void lines.push(message);
    const token = laterToken(file, { debug: say, info: say, warn: say, error: say });
    expect(token()).to.equal(null);
    writeFileSync(file, 'short\n');
    await eventually('it was looked at again', () => token() === null && lines.length === 2);
    for (const text of ['first-token-of-all', 'second-token-of-all']) {
      writeFileSync(file, `${text}\n`);
      await eventually(text, () => token() === text);
    }
    expect(lines.map((line) => line.slice(`--admin-token-file ${file}: `.length))).to.deep.equal([
      'no such file or directory: writes to the API are refused until there is one',
      'the token is shorter than 16 characters; `openssl rand -hex 16` makes one: writes to the API are refused until there is one',
      'there is a token now',
    ]);
  });
});
