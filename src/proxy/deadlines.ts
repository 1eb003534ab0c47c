/**
 * Time limits for many connections at the price of a pointer swap: one queue for each distinct duration, in order of
 * expiry because every entry of a queue waits equally long. Arming, re-arming and disarming allocate nothing.
 * A limit fires up to one tick late, never early, and only after the sockets were read: a process that was kept from running
 * for longer than a limit must not take what waited for it in the kernel as never sent.
 */
import type { Faultable } from './contained.ts';

export interface Expiring extends Faultable {
  /** Called once when the time is over; the deadline is disarmed by then. */
  onDeadline(deadline: Deadline): void;
}

export class Deadline {
  readonly owner: Expiring;
  atMs = 0;
  queue: Queue | null = null;
  prev: Deadline | null = null;
  next: Deadline | null = null;
  constructor(owner: Expiring) {
    this.owner = owner;
  }
}

interface Queue {
  first: Deadline | null;
  last: Deadline | null;
}

export class Deadlines {
  readonly #queues = new Map<number, Queue>();
  readonly #now: () => number;
  #timer: NodeJS.Timeout | null = null;

  constructor(now: () => number) {
    this.#now = now;
  }

  start(tickMs: number): void {
    this.#timer ??= setInterval(() => {
      const dueMs = this.#now();
      // Node runs timers before it polls sockets, and immediates after (nginx expires its timers after epoll too). Due is what
      // was so before the poll, which may take long by itself.
      setImmediate(() => {
        if (this.#timer !== null) this.tick(dueMs);
      });
    }, tickMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  arm(deadline: Deadline, durationMs: number, nowMs: number): void {
    if (deadline.queue !== null) unlink(deadline);
    let queue = this.#queues.get(durationMs);
    if (queue === undefined) {
      queue = { first: null, last: null };
      this.#queues.set(durationMs, queue);
    }
    deadline.atMs = nowMs + durationMs;
    deadline.queue = queue;
    deadline.prev = queue.last;
    if (queue.last === null) queue.first = deadline;
    else queue.last.next = deadline;
    queue.last = deadline;
  }

  disarm(deadline: Deadline): void {
    if (deadline.queue !== null) unlink(deadline);
  }

  /** Fires what is due. Queues that nobody waits in are dropped, so that durations of gone services cost nothing. */
  tick(nowMs: number): void {
    for (const [durationMs, queue] of this.#queues) {
      for (let due = queue.first; due !== null && due.atMs <= nowMs; due = queue.first) {
        unlink(due);
        try {
          due.owner.onDeadline(due);
        } catch (error) {
          due.owner.onFault(error);
        }
      }
      if (queue.first === null) this.#queues.delete(durationMs);
    }
  }
}

function unlink(deadline: Deadline): void {
  const { queue, prev, next } = deadline;
  if (queue === null) return;
  if (prev === null) queue.first = next;
  else prev.next = next;
  if (next === null) queue.last = prev;
  else next.prev = prev;
  deadline.queue = null;
  deadline.prev = null;
  deadline.next = null;
}
