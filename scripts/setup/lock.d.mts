/** The types of lock.mjs, which runs before TypeScript can: a lock file, a place for lines and the work in, its answer out. */
export function withLock<T>(file: string, say: (line: string) => void, work: () => Promise<T>): Promise<T>;
