/**
 * The sources as plain JavaScript in dist/, for the package: it runs on Node 22.18 or later without a compiler, and type
 * stripping does not work under node_modules. dist/ is made anew each time, so that no file of an older build is shipped.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
rmSync(join(root, 'dist'), { recursive: true, force: true });
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const built = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
process.exitCode = built.status ?? 1;
