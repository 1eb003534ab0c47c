/**
 * A fault of ours in one connection ends that connection, never the process: hundreds of services share it. Wrapped is
 * every place where the event loop calls in; what went wrong is told once, with its stack, and whose connection it was
 * gives up.
 */
export interface Faultable {
  /** `error`: whatever was thrown. Must not throw. */
  onFault(error: unknown): void;
}

/** `work` as a listener whose exceptions go to `owner`. Made once a connection, not once an event; one argument, no list. */
export function contained<A = void>(owner: Faultable, work: (argument: A) => void): (argument: A) => void {
  return (argument) => {
    try {
      work(argument);
    } catch (error) {
      owner.onFault(error);
    }
  };
}
