import { drive } from "./drive.js";
import { cancelled, closed, typed } from "./errors.js";
import { Gate, type Control } from "./gate.js";
import { keptNowhere } from "./kept.js";
import type { StoreArguments, StoreMethod, StoreResult } from "./protocol.js";
import { noBlobs, type BlobSource, type Finished, type JobRunner, type Watcher } from "./runner.js";
import { SessionFront, type StoreAccess } from "./session.js";
import { Store } from "./store.js";
import type { JobOut, Session } from "./types.js";
import { Runner, start, type Task } from "./wasm.js";

export { UltrareError, type ErrorData } from "./errors.js";
export type * from "./types.js";

/** The store in this thread. */
class LocalStore implements StoreAccess {
  private ended = false;

  constructor(private readonly store: Store) {}

  async call<M extends StoreMethod>(method: M, ...args: StoreArguments<M>): Promise<StoreResult<M>> {
    if (this.ended) throw closed();
    try {
      const call = this.store[method] as (...args: StoreArguments<M>) => StoreResult<M> | Promise<StoreResult<M>>;
      return await call.apply(this.store, args);
    } catch (thrown) {
      // A call that was under way finds the experiment gone: nobody's defect.
      throw this.ended ? closed() : typed(thrown);
    }
  }

  kept(): Promise<never> {
    return Promise.reject(this.ended ? closed() : keptNowhere());
  }

  close(): void {
    if (this.ended) return;
    this.ended = true;
    this.store.close();
  }
}

/** Runs one job after the other in this thread, which it gives back between two steps. */
class Inline implements JobRunner {
  readonly size = 1;
  private readonly gate = new Gate();
  private readonly runner = new Runner();
  private tail: Promise<unknown> = Promise.resolve();
  private round = 0;
  private ended = false;

  constructor(private readonly watcher: Watcher) {}

  run(job: JobOut, blob: BlobSource = noBlobs): Promise<Finished> {
    const { round } = this;
    const turn = this.tail.then(() => this.start(job, blob, round));
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
    if (this.ended) return;
    this.ended = true;
    void this.cancel().then(() => {
      this.gate.close();
      this.runner.free();
    });
  }

  private async start(job: JobOut, blob: BlobSource, round: number): Promise<Finished> {
    if (this.ended) throw closed();
    if (round !== this.round) throw cancelled();
    this.gate.reset();
    let running: Task | undefined;
    try {
      this.watcher.worker(0, "busy", job);
      for (const digest of this.runner.lacking([...new Set(job.inputs)])) this.runner.put(digest, await blob(digest));
      running = this.runner.task(job.body);
      const { result, seconds } = await drive(running, this.gate, (...heard) => this.watcher.progress(job, ...heard));
      return { result: result as Uint8Array<ArrayBuffer>, seconds };
    } catch (thrown) {
      throw typed(thrown);
    } finally {
      running?.free();
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
