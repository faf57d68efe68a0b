import { drive } from "./drive.js";
import { UltrareError, cancelled, closed, typed } from "./errors.js";
import { Gate, type Control } from "./gate.js";
import { keptNowhere } from "./kept.js";
import type { StoreAccess, StoreArguments, StoreMethod, StoreResult } from "./protocol.js";
import { noBlobs, type BlobSource, type Finished, type JobRunner, type Watcher } from "./runner.js";
import { SessionFront } from "./session.js";
import { Store } from "./store.js";
import type { JobOut, Session, WasmModule } from "./types.js";
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

/** A job that waits or runs. */
interface Due {
  stopped: boolean;
  ended: Promise<unknown>;
}

/** Runs one job after the other in this thread, which it gives back between two steps. */
class Inline implements JobRunner {
  readonly size = 1;
  private readonly gate = new Gate();
  private readonly runner = new Runner();
  private readonly due = new Map<number, Due>();
  private current: number | undefined;
  private tail: Promise<unknown> = Promise.resolve();
  private ended = false;

  constructor(private readonly watcher: Watcher) {}

  run(job: JobOut, blob: BlobSource = noBlobs): Promise<Finished> {
    const due: Due = { stopped: false, ended: this.tail };
    const turn = this.tail.then(() => this.start(job, blob, due));
    this.tail = due.ended = turn.then(() => {}, () => {}).finally(() => this.due.delete(job.id));
    this.due.set(job.id, due);
    return turn;
  }

  control(message: Control): void {
    this.gate.control(message);
  }

  async cancel(ids?: ReadonlySet<number>): Promise<void> {
    const meant = [...this.due].filter(([id]) => ids === undefined || ids.has(id));
    for (const [id, due] of meant) {
      due.stopped = true;
      if (id === this.current) this.gate.control({ kind: "cancel" });
    }
    await Promise.all(meant.map(([, { ended }]) => ended));
  }

  close(): void {
    if (this.ended) return;
    this.ended = true;
    void this.cancel().then(() => {
      this.gate.close();
      this.runner.free();
    });
  }

  private async start(job: JobOut, blob: BlobSource, due: Due): Promise<Finished> {
    if (this.ended) throw closed();
    if (due.stopped) throw cancelled();
    this.gate.reset();
    this.current = job.id;
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
      this.current = undefined;
      this.watcher.worker(0, "idle");
    }
  }
}

/** Opens a session without workers: the same results, in this thread. */
export function openWith(module: WasmModule): Session {
  if (!(module instanceof WebAssembly.Module)) throw new UltrareError({ code: "open.wasm", message: "openWith takes a WebAssembly.Module, made of `ultrare/module.wasm`." });
  start(module);
  const front = new SessionFront();
  const store = new Store((progress) => front.reading(progress));
  return front.attach(new LocalStore(store), new Inline(front));
}
