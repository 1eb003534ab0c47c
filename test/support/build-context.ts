/**
 * What `docker build` would be sent: the checkout's files that .dockerignore leaves, copied into a directory. In: the checkout,
 * an empty directory. Out: that directory filled.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export function fillContext(checkout: string, directory: string): void {
  const ignored = ignoredBy(readFileSync(join(checkout, '.dockerignore'), 'utf8'));
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
    cwd: checkout,
    encoding: 'utf8',
  });
  for (const file of listed.split('\0')) {
    if (file !== '' && !ignored(file) && existsSync(join(checkout, file))) {
      cpSync(join(checkout, file), join(directory, file));
    }
  }
}

/** The last pattern that names a path or a folder above it decides. */
export function ignoredBy(text: string): (path: string) => boolean {
  const patterns = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ takesBack: line.startsWith('!'), regex: regexOf(line.replace(/^!/, '')) }));
  return (path) => patterns.findLast(({ regex }) => regex.test(path))?.takesBack === false;
}

function regexOf(pattern: string): RegExp {
  const parts = pattern.split(/(\*\*\/|\*)/).map((part) => {
    if (part === '**/') return '(?:.*/)?';
    return part === '*' ? '[^/]*' : part.replace(/[.+?^$|()[\]{}\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}(?:/|$)`);
}
