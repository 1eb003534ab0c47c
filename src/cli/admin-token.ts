/**
 * The token of --admin-token-file. In: a path. Out: what stands in the file, without the line end that editors add.
 */
import { cannot } from './failure.ts';
import { sourceText } from './source-text.ts';

const LEAST_LENGTH = 16;

/** Throws CliFailure (code 2) for a file that cannot be read, and for what is no token. */
export async function adminToken(file: string): Promise<string> {
  const token = (await sourceText(file)).trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw cannot(`--admin-token-file ${file}: a token is one line of visible ASCII`);
  if (token.length >= LEAST_LENGTH) return token;
  throw cannot(
    `--admin-token-file ${file}: the token is shorter than ${LEAST_LENGTH} characters; \`openssl rand -hex 16\` makes one`,
  );
}
