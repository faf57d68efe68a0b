import { drive } from "./drive.js";
import { UltrareError, cancelled, closed, flatten } from "./errors.js";
import { Gate, type Control } from "./gate.js";
import type { StoreArguments, StoreMethod, StoreResult } from "./protocol.js";
import type { Finished, Runner, Watcher } from "./runner.js";
import { SessionFront, type StoreAccess } from "./session.js";
import { Store } from "./store.js";
import type { JobOut, Session } from "./types.js";
import { Task, start } from "./wasm.js";

export { UltrareError, type ErrorData } from "./errors.js";
export type * from "./types.js";

/** The store in this thread. */
class LocalStore implements StoreAccess {
  constructor(private readonly store: Store) {}

  async call<M extends StoreMethod>(method: M, ...args: StoreArguments<M>): Promise<StoreResult<M>> {
    try {
      const call = this.store[method] as (...args: StoreArguments<M>) => StoreResult<M> | Promise<StoreResult<M>>;
      return await call.apply(this.store, args);
    } catch (thrown) {
      throw new UltrareError(flatten(thrown));
    }
  }

  close(): void {
    this.store.close();
  }
}

/** Runs one job after the other in this thread, which it gives back between two steps. */
class Inline implements Runner {
  readonly size = 1;
  private readonly gate = new Gate();
  private tail: Promise<unknown> = Promise.resolve();
  private round = 0;
  private ended = false;

  constructor(private readonly watcher: Watcher) {}

  run(job: JobOut): Promise<Finished> {
    const { round } = this;
    const turn = this.tail.then(() => this.start(job, round));
    this.tail = turn.catch(() => {});
    return turn;
  }

  control(message: Control): void {
    this.gate.control(message);
  }

  async cancel(): Promise<void> {
    this.round += 1;
    this.gate.control({ kind: "cancel" });
    await this.tail;
  }

  close(): void {
    this.ended = true;
    void this.cancel().then(() => this.gate.close());
  }

  private async start(job: JobOut, round: number): Promise<Finished> {
    if (this.ended) throw closed();
    if (round !== this.round) throw cancelled();
    this.gate.reset();
    let task: Task | undefined;
    try {
      this.watcher.worker(0, "busy", job);
      task = new Task(job.bytes);
      const { result, seconds } = await drive(task, this.gate, (...heard) => this.watcher.progress(job, ...heard));
      return { result: result as Uint8Array<ArrayBuffer>, seconds };
    } catch (thrown) {
      throw new UltrareError(flatten(thrown));
    } finally {
      task?.free();
      this.watcher.worker(0, "idle");
    }
  }
}

/** Opens a session without workers: the same results, in this thread, for Node and for other workers. */
export function openWith(module: WebAssembly.Module): Session {
  start(module);
  const front = new SessionFront();
  const store = new Store((progress) => front.reading(progress));
  return front.attach(new LocalStore(store), new Inline(front));
}
