/** What is to be installed, and what became of it. */
export interface Candidate {
  /** nginx.conf; names absolute paths below nginx's directory. */
  readonly text: string;
  /** What `/generation` of the control server answers under this text; part of the text. */
  readonly token: string;
  /** Content by path relative to the directory; named by their content, so that one never changes. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * `check`: nginx does not take the text. `install`: it could not be written or checked. `start`, `reload`: nginx refused it
 * when it mattered, for example as a port is taken. `confirm`: nginx did not answer with the new token in time.
 */
export type Stage = 'check' | 'install' | 'start' | 'reload' | 'confirm';

export type Installed = { readonly ok: true } | { readonly ok: false; readonly stage: Stage; readonly message: string };

export function failed(stage: Stage, message: string): Installed {
  return { ok: false, stage, message };
}
