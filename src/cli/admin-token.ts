/**
 * The token of --admin-token-file. In: a path. Out: what stands in the file, without the line end that editors add; once at the start,
 * or as it is whenever somebody writes.
 */
import { readFileSync } from 'node:fs';
import type { Log } from '../controller/log.ts';
import { cannot, reasonOf } from './failure.ts';
import { sourceText } from './source-text.ts';

const LEAST_LENGTH = 16;
/** Whoever guesses tokens must not make us read a file each time. */
const READ_EVERY_MS = 1_000;

/** Throws CliFailure (code 2) for a file that cannot be read, and for what is no token. */
export async function adminToken(file: string): Promise<string> {
  const token = (await sourceText(file)).trim();
  const problem = problemWith(token);
  if (problem !== null) throw cannot(`--admin-token-file ${file}: ${problem}`);
  return token;
}

/** Looks at the file again while it is asked: a Secret may be made or changed later. Null: there is no token now, writes are refused. */
export function laterToken(file: string, log: Log): () => string | null {
  let token: string | null = null;
  let problem: string | null = '';
  let readMs = Number.NEGATIVE_INFINITY;
  const look = (): string | null => {
    if (performance.now() - readMs < READ_EVERY_MS) return token;
    readMs = performance.now();
    const before = problem;
    ({ token, problem } = read(file));
    if (problem !== null && problem !== before) {
      log.warn(
        { code: 'no_admin_token' },
        `--admin-token-file ${file}: ${problem}: writes to the API are refused until there is one`,
      );
    }
    if (problem === null && before) log.info({}, `--admin-token-file ${file}: there is a token now`);
    return token;
  };
  look();
  return look;
}

function read(file: string): { readonly token: string | null; readonly problem: string | null } {
  try {
    const token = readFileSync(file, 'utf8').trim();
    const problem = problemWith(token);
    return { token: problem === null ? token : null, problem };
  } catch (error) {
    return { token: null, problem: reasonOf(error) };
  }
}

/** Null: it is one. */
function problemWith(token: string): string | null {
  if (!/^[\x21-\x7e]+$/.test(token)) return 'a token is one line of visible ASCII';
  if (token.length >= LEAST_LENGTH) return null;
  return `the token is shorter than ${LEAST_LENGTH} characters; \`openssl rand -hex 16\` makes one`;
}
