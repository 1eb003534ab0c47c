/**
 * Something that people want to find in a history afterwards, or hear of at once: a value that a line of history, a Kubernetes
 * Event and a line of the log are made from. Every replica sees the same things happen; `identity` tells that they are the same.
 */
export type HappeningKind =
  /** A text took effect; `service` null. Told as an Event, not in the history: that has what it changed. */
  | 'applied'
  /** A service, or a whole text, is in error: line and path are in `message`. */
  | 'rejected'
  /** The percentage is another one. */
  | 'percentage'
  /** A percentage that somebody wrote through us was set back by somebody else. */
  | 'reverted'
  /** Something else of the service's configuration changed; added and removed too. */
  | 'changed'
  | 'fallen_back'
  | 'probing'
  | 'recovered'
  /** By a person. */
  | 'held'
  | 'resumed';

export interface Happening {
  readonly kind: HappeningKind;
  readonly service: string | null;
  /** Epoch ms, when this replica saw it. */
  readonly atMs: number;
  /** A person, a tool or a replica. */
  readonly by: string;
  /** What it was and what it is, in few words: `20 %` and `30 %`, `steady` and `fallen_back`. Null: does not apply. */
  readonly from: string | null;
  readonly to: string | null;
  /** '' where nobody said. */
  readonly why: string;
  /** One line that says it all. */
  readonly message: string;
  /** Equal on every replica for the same thing: the object's resourceVersion, or the number of the trip. */
  readonly identity: string;
  /** The ConfigMap it is about: uid, namespace, name. Null with a file. */
  readonly about: { readonly uid: string; readonly namespace: string; readonly name: string } | null;
}
