import { UltrareError, WORKERS, cancelled, closed, isFatal, typed, type ErrorData } from "./errors.js";
import type { Control } from "./gate.js";
import type { Blobbed, TaskMessage, TaskRequest } from "./protocol.js";
import { noBlobs, type BlobSource, type Finished, type JobRunner, type Watcher } from "./runner.js";
import type { JobOut } from "./types.js";

/** What the pool needs of a worker, so that tests can hand it another kind. */
export interface WorkerLike {
  postMessage(message: TaskRequest, transfer?: Transferable[]): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<TaskMessage>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  /** It ended by itself and nothing more will be heard of it. */
  onend: (() => void) | null;
}

interface Waiting {
  job: JobOut;
  blob: BlobSource;
  tries: number;
  /** How often a worker had let go of an input that it was sent. */
  lacked: number;
  /** Is it with the worker, or are its inputs still being fetched? */
  posted: boolean;
  resolve(finished: Finished): void;
  reject(error: UltrareError): void;
}

interface Slot {
  number: number;
  worker: WorkerLike;
  ready: boolean;
  current: Waiting | undefined;
  /** Inputs that were sent to this worker. Its runner keeps what it has room for, and says what it lacks before each job. */
  sent: Set<string>;
  late: ReturnType<typeof setTimeout> | undefined;
}

/** How often a job is handed out before a worker that dies over it is taken for the job's fault. */
const TRIES = 3;
/** How many workers in a row may die before they are ready. */
const STILLBORN = 3;
/** How often the inputs of one job are sent again to the same worker. */
const LACKED = 3;
/** How long a worker may take until it is ready. */
const START = 60_000;
/** How long a cancelled task may take to reach its next step before its worker is ended. */
const PATIENCE = 250;

/**
 * Runs jobs on workers, the heaviest first, one per worker. A worker that traps is replaced and its job handed out
 * again: a job is bytes, so nothing is lost but the time. Large inputs that jobs share go to each worker once.
 */
export class Pool implements JobRunner {
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
      const slot: Slot = { number, worker: undefined as unknown as WorkerLike, ready: false, current: undefined, sent: new Set(), late: undefined };
      this.slots.push(slot);
      this.fill(slot);
    }
  }

  run(job: JobOut, blob: BlobSource = noBlobs): Promise<Finished> {
    if (this.broken) return Promise.reject(this.broken);
    return new Promise((resolve, reject) => {
      this.queue.push({ job, blob, tries: 0, lacked: 0, posted: false, resolve, reject });
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

  /** These jobs, or all, end as cancelled: at their next step, or with their workers. */
  async cancel(ids?: ReadonlySet<number>): Promise<void> {
    const meant = ({ job }: Waiting) => ids === undefined || ids.has(job.id);
    const waits = this.queue.filter(meant);
    this.queue = this.queue.filter((waiting) => !meant(waiting));
    for (const waiting of waits) waiting.reject(cancelled());
    const busy = this.slots.flatMap((slot) => (slot.current && meant(slot.current) ? [{ slot, job: slot.current }] : []));
    for (const { slot, job } of busy) {
      if (job.posted) slot.worker.postMessage({ kind: "cancel" });
      else this.settle(slot).reject(cancelled());
    }
    this.handOut();
    const deadline = performance.now() + PATIENCE;
    while (busy.some(({ slot, job }) => slot.current === job) && performance.now() < deadline) await new Promise((wake) => setTimeout(wake, 5));
    for (const { slot, job } of busy) {
      if (slot.current !== job) continue;
      job.reject(cancelled());
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
      this.end(slot);
      slot.current?.reject(reason);
      slot.current = undefined;
    }
  }

  private fill(slot: Slot): void {
    slot.ready = false;
    slot.sent = new Set();
    slot.worker = this.spawn();
    slot.worker.onmessage = ({ data }) => this.hear(slot, data);
    slot.worker.onerror = (event) => {
      event.preventDefault?.();
      this.lose(slot, { name: "Error", code: "trap", message: event.message || "the worker could not be loaded" });
    };
    const silent = (message: string) => this.lose(slot, { name: "Error", code: "trap", message });
    slot.worker.onend = () => silent("the worker ended without a word");
    slot.late = setTimeout(() => silent("the worker did not answer"), START);
    slot.worker.postMessage({ kind: "start", role: "task", module: this.module });
  }

  private end(slot: Slot): void {
    clearTimeout(slot.late);
    slot.worker.onmessage = slot.worker.onerror = slot.worker.onend = null;
    slot.worker.terminate();
  }

  /** The worker has nothing to do any more; gives the job it had. */
  private settle(slot: Slot): Waiting {
    const waiting = slot.current!;
    slot.current = undefined;
    this.watcher.worker(slot.number, "idle");
    return waiting;
  }

  private hear(slot: Slot, message: TaskMessage): void {
    if (message.kind === "ready") {
      [slot.ready, this.stillborn] = [true, 0];
      clearTimeout(slot.late);
      if (this.pause) slot.worker.postMessage({ kind: "pause" });
      if (this.stepsPerSecond !== null) slot.worker.postMessage({ kind: "speed", stepsPerSecond: this.stepsPerSecond });
      this.watcher.worker(slot.number, "idle");
      return this.handOut();
    }
    if (message.kind === "failed" && isFatal(message.error)) return this.lose(slot, message.error);
    const waiting = slot.current;
    if (!waiting || message.id !== waiting.job.id) return; // of a job that was cancelled meanwhile
    if (message.kind === "progress") return this.watcher.progress(waiting.job, message.progress, message.events);
    if (message.kind === "lacking") return this.lack(slot, waiting, message.digests);
    this.settle(slot);
    if (message.kind === "done") waiting.resolve({ result: message.result, seconds: message.seconds });
    else waiting.reject(message.kind === "cancelled" ? cancelled() : new UltrareError(message.error));
    this.handOut();
  }

  private handOut(): void {
    for (;;) {
      const idle = this.slots.filter((slot) => slot.ready && !slot.current);
      const next = idle.length > 0 ? this.queue.shift() : undefined;
      if (!next) return;
      // To whoever has most of what it needs.
      const slot = idle.reduce((best, other) => (unsent(other, next).length < unsent(best, next).length ? other : best));
      next.tries += 1;
      next.posted = false;
      slot.current = next;
      this.watcher.worker(slot.number, "busy", next.job);
      void this.send(slot, next);
    }
  }

  /** Posts a job with the inputs that its worker does not have yet. */
  private async send(slot: Slot, waiting: Waiting): Promise<void> {
    const { worker } = slot;
    const digests = unsent(slot, waiting);
    let blobs: Blobbed[] = [];
    if (digests.length > 0) {
      try {
        blobs = await Promise.all(digests.map(async (digest): Promise<Blobbed> => [digest, movable(await waiting.blob(digest))]));
      } catch (thrown) {
        if (slot.worker === worker && slot.current === waiting) this.settle(slot).reject(typed(thrown));
        return this.handOut();
      }
      // Cancelled, or the worker died, while they were fetched.
      if (slot.worker !== worker || slot.current !== waiting) return;
    }
    const body = waiting.job.body.slice(); // the original stays here, for another try
    for (const digest of digests) slot.sent.add(digest);
    waiting.posted = true;
    const { id, inputs } = waiting.job;
    worker.postMessage({ kind: "run", id, body, inputs, blobs }, [body.buffer, ...blobs.map(([, blob]) => blob.buffer)]);
  }

  /** The worker let go of inputs meanwhile: they are sent again, and the job. */
  private lack(slot: Slot, waiting: Waiting, digests: readonly string[]): void {
    for (const digest of digests) slot.sent.delete(digest);
    waiting.posted = false;
    if (++waiting.lacked <= LACKED) return void this.send(slot, waiting);
    const message = `A worker has no room for the inputs of a job (${waiting.job.stage}).`;
    this.settle(slot).reject(new UltrareError({ code: "worker.memory", message }));
    this.handOut();
  }

  private lose(slot: Slot, error: ErrorData): void {
    const job = slot.current;
    if (!slot.ready && ++this.stillborn >= STILLBORN) return this.giveUp(error);
    if (job && job.tries >= TRIES) {
      const message = `${TRIES} workers in a row died over the same job (${job.job.stage}): ${error.message}`;
      job.reject(new UltrareError({ code: "worker.lost", message, details: error }));
      this.watcher.worker(slot.number, "lost", job.job, error);
      slot.current = undefined;
      return this.replace(slot, undefined);
    }
    this.replace(slot, error);
  }

  /** A new worker in the place of the old; its job, if it still has one, goes to the front of the queue. */
  private replace(slot: Slot, error: ErrorData | undefined): void {
    this.end(slot);
    if (error) {
      this.watcher.worker(slot.number, "lost", slot.current?.job, error);
      if (slot.current) this.queue.unshift(slot.current);
    }
    slot.current = undefined;
    this.fill(slot);
    this.watcher.worker(slot.number, "respawned");
  }

  private giveUp(error: ErrorData): void {
    const message = `Workers cannot be started here: ${error.message}. ${WORKERS}`;
    const broken = new UltrareError({ code: "worker.start", message, details: error });
    this.close(broken);
    this.watcher.failed(broken);
  }
}

/** The inputs of a job that its worker was not sent, each once. */
function unsent(slot: Slot, { job }: Waiting): string[] {
  return [...new Set(job.inputs)].filter((digest) => !slot.sent.has(digest));
}

/** Bytes with a buffer of their own, which can be moved. */
function movable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const own = bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
  return (own ? bytes : bytes.slice()) as Uint8Array<ArrayBuffer>;
}
