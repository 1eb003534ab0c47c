/** The shape of the table: a theme is a list of named cases, and a case is something to do with a plane that throws or not. */
import type { Plane } from './plane-under-test.ts';

export interface Case {
  /** Unique within its theme; skips name it. */
  readonly name: string;
  readonly run: (plane: Plane) => Promise<void>;
  /** 10 s where it does not say. */
  readonly limitMs?: number;
}

export interface Theme {
  readonly name: string;
  readonly cases: readonly Case[];
}
