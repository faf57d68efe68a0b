import { UltrareError, closed, isFatal, type ErrorData } from "./errors.js";
import type { SessionMessage, SessionRequest, StoreArguments, StoreMethod, StoreResult } from "./protocol.js";
import type { StoreAccess } from "./session.js";
import type { Progress } from "./store.js";

/** What is needed of the session worker. */
export interface SessionWorkerLike {
  postMessage(message: SessionRequest): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<SessionMessage>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

interface Asked {
  resolve(value: never): void;
  reject(error: UltrareError): void;
}

/** The store in the session worker. If that worker traps, a new one takes its place: empty, but alive. */
export class RemoteStore implements StoreAccess {
  private worker!: SessionWorkerLike;
  private ready!: Promise<void>;
  private asked = new Map<number, Asked>();
  private next = 0;
  private deaths = 0;
  private ended: UltrareError | undefined;

  constructor(
    private readonly spawn: () => SessionWorkerLike,
    private readonly module: WebAssembly.Module,
    private readonly onProgress: (progress: Progress) => void,
  ) {
    this.fill();
  }

  /** Resolves when the worker can be asked; rejects if it cannot be started. */
  started(): Promise<void> {
    return this.ready;
  }

  async call<M extends StoreMethod>(method: M, ...args: StoreArguments<M>): Promise<StoreResult<M>> {
    await this.ready;
    if (this.ended) throw this.ended;
    return new Promise<StoreResult<M>>((resolve, reject) => {
      const id = this.next++;
      this.asked.set(id, { resolve: resolve as (value: never) => void, reject });
      this.worker.postMessage({ kind: "call", id, method, args } as SessionRequest);
    });
  }

  close(): void {
    this.ended = closed();
    this.drop(this.ended);
  }

  private fill(): void {
    const worker = (this.worker = this.spawn());
    this.ready = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => {
        if (data.kind === "ready") [this.deaths] = [0, resolve()];
        else if (data.kind === "progress") this.onProgress(data.progress);
        else if (data.kind === "refusal" && isFatal(data.error)) this.die(data.error);
        else this.answer(data);
      };
      worker.onerror = (event) => {
        event.preventDefault?.();
        const error = { name: "Error", code: "trap", message: event.message || "the session's worker could not be loaded" };
        reject(new UltrareError({ ...error, code: "worker.start" }));
        this.die(error);
      };
    });
    this.ready.catch(() => {}); // whoever calls next hears of it
    worker.postMessage({ kind: "start", module: this.module });
  }

  private answer(message: Exclude<SessionMessage, { kind: "ready" | "progress" }>): void {
    const asked = this.asked.get(message.id);
    this.asked.delete(message.id);
    if (message.kind === "answer") asked?.resolve(message.value as never);
    else asked?.reject(new UltrareError(message.error));
  }

  private die(error: ErrorData): void {
    const message = `The experiment was lost to a defect and starts empty again; restore a saved one to go on. ${error.message}`;
    this.drop(new UltrareError({ code: "session.lost", message, details: error }));
    if (++this.deaths < 3) this.fill();
  }

  private drop(reason: UltrareError): void {
    this.worker.onmessage = this.worker.onerror = null;
    this.worker.terminate();
    for (const asked of this.asked.values()) asked.reject(reason);
    this.asked.clear();
  }
}
