import { ApiError } from "../api/errors";
import { type Backoff, waitAfter } from "../backoff";
import { Store } from "../store";
import type { Keeper } from "./keeper";
import type { Transport } from "./transport";
import { type Draft, failureOfError, failureOfReason, isDeletion, isOpen, type Write } from "./write";

const SENDING: Backoff = { firstMs: 500, factor: 2, mostMs: 30_000 };
const ASKING: Backoff = { firstMs: 500, factor: 1.6, mostMs: 10_000 };

// The service recognises a key for seven days. Past that a try could be a second effect, so we stop a day earlier.
const SENDABLE_MS = 6 * 24 * 3600 * 1000;

/**
 * Carries each write to its end: sends it until the service has accepted it, then asks until it is saved or failed.
 * Writes of one item go in the order they were made, those of different items side by side.
 */
export class WriteQueue {
  /** All writes of this page, oldest first, the ended ones too until they are forgotten. */
  readonly writes = new Store<readonly Write[]>([]);
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  /** Writes with a request on its way: whoever wakes the queue must not send them a second one. */
  readonly #busy = new Set<string>();

  constructor(
    private readonly transport: Transport,
    private readonly keeper: Keeper,
    private readonly random: () => number = Math.random,
  ) {}

  /** Takes up what an earlier page left. */
  start(): void {
    const known = new Set(this.writes.value.map((write) => write.key));
    const left = this.keeper.all().filter((write) => !known.has(write.key));
    // Whether the answer was lost or never came: the same key makes sending again harmless.
    const taken = left.map((write) =>
      write.state === "sending" ? { ...write, state: "waiting" as const } : write,
    );
    this.writes.set([...this.writes.value, ...taken]);
    this.wake();
  }

  /** Sends a draft; it is on its way when this returns, and survives a reload. */
  add(draft: Draft): Write {
    const fresh: Write = {
      ...draft,
      key: crypto.randomUUID(),
      createdAt: Date.now(),
      state: "waiting",
      failures: 0,
      kept: false,
    };
    const write = this.#kept(fresh);
    this.writes.set([...this.writes.value, write]);
    void this.#advance(write.key);
    return write;
  }

  /** Drops a write from the page and from the storage. What the service has accepted takes effect nevertheless. */
  forget(key: string): void {
    const forgotten = this.#find(key);
    this.#unschedule(key);
    this.keeper.drop(key);
    this.writes.set(this.writes.value.filter((write) => write.key !== key));
    if (forgotten) {
      this.#wakeLane(forgotten);
    }
  }

  /** Another page ended or dropped this write: do not send it here. */
  droppedElsewhere(key: string): void {
    if (this.#find(key)?.state === "waiting") {
      this.forget(key);
    }
  }

  /** Sends a failed write anew, as a new one: its old key stands for the failure. */
  tryAgain(key: string): Write | undefined {
    const failed = this.#find(key);
    if (failed?.state !== "failed") {
      return undefined;
    }
    const { retryAt, problem, accepted, failure, ...draft } = failed;
    this.forget(key);
    return this.add(draft);
  }

  /** Does now whatever is due later: the network is back, or somebody asks for it. */
  wake(): void {
    for (const write of this.writes.value) {
      void this.#advance(write.key);
    }
  }

  async #advance(key: string): Promise<void> {
    const write = this.#find(key);
    const due = write?.state === "accepted" || (write?.state === "waiting" && this.#isFirstOfItsLane(write));
    if (!write || !due || this.#busy.has(key)) {
      return;
    }
    this.#busy.add(key);
    await (write.state === "accepted" ? this.#ask(write) : this.#send(write));
    this.#busy.delete(key);
    this.#wakeLane(write);
  }

  async #send(write: Write): Promise<void> {
    const { key } = write;
    this.#unschedule(key);
    if (Date.now() - write.createdAt > SENDABLE_MS) {
      this.#end(key, {
        failure: { message: "It could not be sent for six days.", conflict: false, keyRefused: false },
      });
      return;
    }
    this.#change(key, { state: "sending" });
    try {
      const accepted = await this.transport.send(write);
      this.#change(key, { state: "accepted", accepted, failures: 0 });
      this.#schedule(key, accepted.retryAfterMs);
    } catch (error) {
      this.#failed(key, "waiting", SENDING, error);
    }
  }

  async #ask(write: Write): Promise<void> {
    const { key, accepted } = write;
    if (!accepted) {
      return;
    }
    this.#unschedule(key);
    try {
      const operation = await this.transport.outcome(accepted);
      if (operation.status === "succeeded") {
        this.#end(key, {});
      } else if (operation.status === "failed") {
        this.#end(key, { failure: failureOfReason(operation.reason) });
      } else {
        const asked = (this.#find(key)?.failures ?? 0) + 1;
        this.#change(key, { failures: asked });
        this.#schedule(key, waitAfter(asked, ASKING, this.random));
      }
    } catch (error) {
      this.#failed(key, "accepted", ASKING, error);
    }
  }

  /** A try failed: go back to `state` and come again later, or end the write when that cannot help. */
  #failed(key: string, state: "waiting" | "accepted", backoff: Backoff, error: unknown): void {
    const write = this.#find(key);
    if (
      error instanceof ApiError &&
      error.status === 404 &&
      state === "waiting" &&
      write &&
      isDeletion(write)
    ) {
      // Somebody was quicker: it is gone, which is all that was asked for.
      this.#end(key, {});
    } else if (!(error instanceof ApiError)) {
      this.#end(key, { failure: { message: String(error), conflict: false, keyRefused: false } });
    } else if (!error.passing) {
      this.#end(key, { failure: failureOfError(error, state) });
    } else {
      const failures = (write?.failures ?? 0) + 1;
      const wait = waitAfter(failures, backoff, this.random, error.details.retryAfterMs);
      this.#change(key, { state, failures, problem: error.message, retryAt: Date.now() + wait });
      this.#schedule(key, wait);
    }
  }

  #end(key: string, how: Pick<Write, "failure">): void {
    this.#change(key, { ...how, state: how.failure ? "failed" : "saved" });
    if (!how.failure) {
      // A failed one stays in the storage: it is the only copy of what somebody typed.
      this.keeper.drop(key);
    }
  }

  #change(key: string, changes: Partial<Write>): void {
    this.writes.set(
      this.writes.value.map((write) => {
        if (write.key !== key) {
          return write;
        }
        const { retryAt, problem, ...steady } = write;
        return this.#kept({ ...steady, ...changes } as Write);
      }),
    );
  }

  /** Administration is not kept: its key is not either, a stale change is worse than none, and an image too large. */
  #kept(write: Write): Write {
    const wanted = (write.kind === "comment" || write.kind === "rating") && write.state !== "saved";
    return { ...write, kept: wanted && this.keeper.keep({ ...write, kept: true }) };
  }

  #schedule(key: string, ms: number): void {
    this.#unschedule(key);
    if (this.#find(key)) {
      this.#timers.set(
        key,
        setTimeout(() => void this.#advance(key), ms),
      );
    }
  }

  #unschedule(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }

  #find(key: string): Write | undefined {
    return this.writes.value.find((write) => write.key === key);
  }

  #isFirstOfItsLane(write: Write): boolean {
    const ahead = this.writes.value.find(
      (other) => laneOf(other) === laneOf(write) && (other.state === "waiting" || other.state === "sending"),
    );
    return ahead?.key === write.key;
  }

  /** Whoever waited only for the one before it may go; one that is backing off keeps its time. */
  #wakeLane(behind: Write): void {
    const next = this.writes.value.find(
      (write) =>
        laneOf(write) === laneOf(behind) && write.state === "waiting" && !this.#timers.has(write.key),
    );
    if (next) {
      void this.#advance(next.key);
    }
  }
}

function laneOf(write: Write): string {
  return write.kind === "createItem" ? write.key : write.itemId;
}

/** Why nothing gets through at the moment; undefined while the last try of every open write worked. */
export function obstacle(writes: readonly Write[]): string | undefined {
  return writes.find((write) => isOpen(write) && write.problem !== undefined)?.problem;
}
