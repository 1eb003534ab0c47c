/**
 * Questions to a test's own kube-apiserver as admin, without kubectl, which takes 80 ms of processor time to say anything: paths of
 * the API in, parsed answers out. For what a test looks at or needs beforehand; what people do with kubectl, tests do with kubectl.
 */
import { request } from 'node:https';

/** Longer than the API server takes on a busy machine. */
const LIMIT_MS = 30_000;

export interface KubeAnswer {
  readonly status: number;
  readonly text: string;
}

export class KubeApi {
  readonly #url: string;
  readonly #ca: string;
  readonly #token: string;

  constructor(url: string, { ca, token }: { readonly ca: string; readonly token: string }) {
    this.#url = url;
    this.#ca = ca;
    this.#token = token;
  }

  /** `path` from `/api` or `/apis` on. A connection of its own each time. */
  ask(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<KubeAnswer> {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = { Authorization: `Bearer ${this.#token}`, 'Content-Type': type };
    return new Promise((resolve, reject) => {
      const asked = request(`${this.#url}${path}`, { method, headers, ca: this.#ca, agent: false }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text })).once('error', reject);
      });
      asked.setTimeout(LIMIT_MS, () => asked.destroy(new Error(`${path}: no answer within ${LIMIT_MS} ms`)));
      asked.once('error', reject).end(body === undefined ? '' : JSON.stringify(body));
    });
  }

  /** Null: there is no such object. Throws with what the API server complained of. */
  async get<Answer>(path: string): Promise<Answer | null> {
    const answer = await this.ask('GET', path);
    if (answer.status === 404) return null;
    return parsed<Answer>(`GET ${path}`, answer);
  }

  async create<Answer>(path: string, object: object): Promise<Answer> {
    return parsed<Answer>(`POST ${path}`, await this.ask('POST', path, object));
  }

  /** Changes the object of this name in `folder`, or makes it; the API server notes it as done with the program `manager`. */
  async put(folder: string, object: { readonly metadata: { readonly name: string } }, manager: string): Promise<void> {
    const by = `?fieldManager=${manager}`;
    const path = `${folder}/${object.metadata.name}${by}`;
    const changed = await this.ask('PATCH', path, object);
    if (changed.status === 404) await this.create(`${folder}${by}`, object);
    else parsed(`PATCH ${path}`, changed);
  }

  async delete(path: string): Promise<void> {
    parsed(`DELETE ${path}`, await this.ask('DELETE', path));
  }
}

function parsed<Answer>(what: string, { status, text }: KubeAnswer): Answer {
  if (status < 200 || status > 299) throw new Error(`${what}: ${status} ${text}`);
  return JSON.parse(text) as Answer;
}
