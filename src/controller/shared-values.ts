/**
 * A small set of named texts that all replicas share, as those who share something see it: read whole, changed a key at a time.
 * In Kubernetes it is one ConfigMap. Refuses to know what the texts mean.
 */
/**
 * `gone`: where they were kept was taken away whole since they were handed over last, which no replica does, and perhaps made anew by
 * one that knew some of them; of those that are not there nothing says that they are no longer so.
 */
export type TakeValues = (values: ReadonlyMap<string, string>, place?: 'gone') => void;

export interface SharedValues {
  /**
   * Calls `onValues` with everything there is, first and after each change, in the order in which the changes were made.
   * Resolves when the first read has been handed over, or could not be had: it goes on trying.
   */
  start(onValues: TakeValues): Promise<void>;
  /** Live: what is shared now is known here within a moment, and was read since it last was not. */
  readonly isLive: boolean;
  /** Called with each change of `isLive`. */
  onLive: (isLive: boolean) => void;
  /** Reads now; resolves when `onValues` has what there is. Rejects with an Error where it cannot be had. */
  read(): Promise<void>;
  /** Sets (null: removes) whatever stands there: the last writer wins. `onValues` hears of it before it resolves. */
  put(values: ReadonlyMap<string, string | null>): Promise<'done' | ShareFailure>;
  /** All or nothing: where one `from` is not what stands there, nothing changes and `stale` comes back. */
  swap(changes: readonly ValueSwap[]): Promise<'done' | 'stale' | ShareFailure>;
  close(): Promise<void>;
}

export interface ValueSwap {
  readonly key: string;
  readonly from: string;
  /** Null: removes it. */
  readonly to: string | null;
}

/** Not shared now; `isLasting`: trying again will not help (no permission, too large), a person must act. */
export interface ShareFailure {
  readonly message: string;
  readonly isLasting: boolean;
}
