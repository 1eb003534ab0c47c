/**
 * Files that the text names, each by its content, so that a new text never changes a file of the one that runs. In: contents. Out:
 * absolute paths below nginx's directory. Writes nothing.
 */
import { createHash } from 'node:crypto';

export class NamedFiles {
  readonly contents = new Map<string, string>();
  readonly #directory: string;
  /** One content mostly stands in many services. */
  readonly #paths = new Map<string, string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Returns the absolute path. */
  add(folder: string, ending: string, content: string): string {
    const path = this.#pathOf(folder, ending, content);
    this.contents.set(path, content);
    return `${this.#directory}/${path}`;
  }

  /** A folder of files, by name, made from `content` and named by it. Returns its absolute path. */
  addFolder(folder: string, ending: string, content: string, make: () => ReadonlyMap<string, string>): string {
    const known = this.#paths.has(`${folder} ${ending} ${content}`);
    const path = this.#pathOf(folder, ending, content);
    if (!known) for (const [name, text] of make()) this.contents.set(`${path}/${name}`, text);
    return `${this.#directory}/${path}`;
  }

  #pathOf(folder: string, ending: string, content: string): string {
    const key = `${folder} ${ending} ${content}`;
    let path = this.#paths.get(key);
    if (path === undefined) {
      path = `${folder}/${createHash('sha256').update(content).digest('hex')}${ending}`;
      this.#paths.set(key, path);
    }
    return path;
  }
}
