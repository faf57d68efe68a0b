import { UltrareError, cancelled, closed, isFatal, type ErrorData } from "./errors.js";
import type { Control } from "./gate.js";
import type { TaskMessage, TaskRequest } from "./protocol.js";
import type { Finished, Runner, Watcher } from "./runner.js";
import type { JobOut } from "./types.js";

/** What the pool needs of a worker, so that tests can hand it another kind. */
export interface WorkerLike {
  postMessage(message: TaskRequest, transfer?: Transferable[]): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<TaskMessage>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

interface Waiting {
  job: JobOut;
  tries: number;
  resolve(finished: Finished): void;
  reject(error: UltrareError): void;
}

interface Slot {
  number: number;
  worker: WorkerLike;
  ready: boolean;
  current: Waiting | undefined;
}

/** How often a job is handed out before a worker that dies over it is taken for the job's fault. */
const TRIES = 3;
/** How many workers in a row may die before they are ready. */
const STILLBORN = 3;
/** How long a cancelled task may take to reach its next step before its worker is ended. */
const PATIENCE = 250;

/**
 * Runs jobs on workers, the heaviest first, one per worker. A worker that traps is replaced and its job handed out
 * again: a job is bytes, so nothing is lost but the time.
 */
export class Pool implements Runner {
  private readonly slots: Slot[] = [];
  private queue: Waiting[] = [];
  private stillborn = 0;
  private broken: UltrareError | undefined;
  private pause = false;
  private stepsPerSecond: number | null = null;

  constructor(
    readonly size: number,
    private readonly spawn: () => WorkerLike,
    private readonly module: WebAssembly.Module,
    private readonly watcher: Watcher,
  ) {
    for (let number = 0; number < size; number++) {
      const slot: Slot = { number, worker: undefined as unknown as WorkerLike, ready: false, current: undefined };
      this.slots.push(slot);
      this.fill(slot);
    }
  }

  run(job: JobOut): Promise<Finished> {
    if (this.broken) return Promise.reject(this.broken);
    return new Promise((resolve, reject) => {
      this.queue.push({ job, tries: 0, resolve, reject });
      this.queue.sort((a, b) => b.job.weight - a.job.weight || a.job.id - b.job.id);
      this.handOut();
    });
  }

  control(message: Control): void {
    if (message.kind === "pause") this.pause = true;
    else if (message.kind === "resume") this.pause = false;
    else if (message.kind === "speed") this.stepsPerSecond = message.stepsPerSecond;
    for (const slot of this.slots) if (slot.ready && (message.kind !== "step" || slot.current)) slot.worker.postMessage(message);
  }

  /** Every job ends as cancelled: at its next step, or with its worker. */
  async cancel(): Promise<void> {
    for (const waiting of this.queue.splice(0)) waiting.reject(cancelled());
    const busy = this.slots.filter((slot) => slot.current);
    for (const slot of busy) slot.worker.postMessage({ kind: "cancel" });
    const deadline = performance.now() + PATIENCE;
    while (busy.some((slot) => slot.current) && performance.now() < deadline) await new Promise((wake) => setTimeout(wake, 5));
    for (const slot of busy) {
      if (!slot.current) continue;
      slot.current.reject(cancelled());
      this.replace(slot, undefined);
    }
  }

  /** Prefers a busy worker, so that a job is lost with it. */
  crash(): void {
    const slot = this.slots.find((candidate) => candidate.current) ?? this.slots[0];
    slot?.worker.postMessage({ kind: "crash" });
  }

  close(reason = closed()): void {
    this.broken = reason;
    for (const waiting of this.queue.splice(0)) waiting.reject(reason);
    for (const slot of this.slots) {
      slot.worker.onmessage = slot.worker.onerror = null;
      slot.worker.terminate();
      slot.current?.reject(reason);
      slot.current = undefined;
    }
  }

  private fill(slot: Slot): void {
    slot.ready = false;
    slot.worker = this.spawn();
    slot.worker.onmessage = ({ data }) => this.hear(slot, data);
    slot.worker.onerror = (event) => {
      event.preventDefault?.();
      this.lose(slot, { name: "Error", code: "trap", message: event.message || "the worker could not be loaded" });
    };
    slot.worker.postMessage({ kind: "start", module: this.module });
  }

  private hear(slot: Slot, message: TaskMessage): void {
    if (message.kind === "ready") {
      [slot.ready, this.stillborn] = [true, 0];
      if (this.pause) slot.worker.postMessage({ kind: "pause" });
      if (this.stepsPerSecond !== null) slot.worker.postMessage({ kind: "speed", stepsPerSecond: this.stepsPerSecond });
      this.watcher.worker(slot.number, "idle");
      return this.handOut();
    }
    if (message.kind === "failed" && isFatal(message.error)) return this.lose(slot, message.error);
    const waiting = slot.current;
    if (!waiting || message.id !== waiting.job.id) return; // of a job that was cancelled meanwhile
    if (message.kind === "progress") return this.watcher.progress(waiting.job, message.progress, message.events);
    slot.current = undefined;
    this.watcher.worker(slot.number, "idle");
    if (message.kind === "done") waiting.resolve({ result: message.result, seconds: message.seconds });
    else waiting.reject(message.kind === "cancelled" ? cancelled() : new UltrareError(message.error));
    this.handOut();
  }

  private handOut(): void {
    for (const slot of this.slots) {
      if (!slot.ready || slot.current) continue;
      const next = this.queue.shift();
      if (!next) return;
      next.tries += 1;
      slot.current = next;
      const bytes = next.job.bytes.slice(); // the original stays here, for another try
      slot.worker.postMessage({ kind: "run", id: next.job.id, bytes }, [bytes.buffer]);
      this.watcher.worker(slot.number, "busy", next.job);
    }
  }

  private lose(slot: Slot, error: ErrorData): void {
    const job = slot.current;
    if (!slot.ready && ++this.stillborn >= STILLBORN) return this.giveUp(error);
    if (job && job.tries >= TRIES) {
      const message = `${TRIES} workers in a row died over the same job (${job.job.stage}): ${error.message}`;
      job.reject(new UltrareError({ code: "worker.lost", message, details: error }));
      slot.current = undefined;
    }
    this.replace(slot, error);
  }

  /** A new worker in the place of the old; its job, if it still has one, goes to the front of the queue. */
  private replace(slot: Slot, error: ErrorData | undefined): void {
    slot.worker.onmessage = slot.worker.onerror = null;
    slot.worker.terminate();
    if (error) {
      this.watcher.worker(slot.number, "lost", slot.current?.job, error);
      if (slot.current) this.queue.unshift(slot.current);
    }
    slot.current = undefined;
    this.fill(slot);
    this.watcher.worker(slot.number, "respawned");
  }

  private giveUp(error: ErrorData): void {
    const message = `Workers cannot be started here: ${error.message}`;
    const broken = new UltrareError({ code: "worker.start", message, details: error });
    this.close(broken);
    this.watcher.failed(broken);
  }
}
