import { UltrareError, cancelled, flatten } from "./errors.js";
import type { Control } from "./gate.js";
import type { KeptArguments, KeptMethod, KeptResult, StoreArguments, StoreMethod, StoreResult } from "./protocol.js";
import type { Finished, JobRunner, Watcher } from "./runner.js";
import { asFile, asFiles } from "./source.js";
import type { Progress } from "./store.js";
import type {
  Activity, AddedRow, Change, ChangePatch, DataView, DeepPartial, Event, FileLike, JobOut, Kept, Mode, OpinionsView, PersonView, PipelineEvent, Plan, Preview, ReadChoice, ReadConfig,
  ReadReport, ReceiptView, RequestPatch, RowPatch, Rows, Selection, Sequence, Session, SessionEvent, Settings, Size, Snapshot, Source, Stage, SweepConfig, UsersView, Verdict, VerifySource,
} from "./types.js";

/** Reaches the store, wherever it lives. */
export interface StoreAccess {
  call<M extends StoreMethod>(method: M, ...args: StoreArguments<M>): Promise<StoreResult<M>>;
  kept<M extends KeptMethod>(method: M, ...args: KeptArguments<M>): Promise<KeptResult<M>>;
  close(): void;
}

function isRows(add: Rows): add is readonly RowPatch[] {
  return Array.isArray(add);
}

/** Somebody who waits for the end of an activity. */
interface Begun {
  resolve(): void;
  reject(error: unknown): void;
}

/** How an activity ended: without an error, or with its own. */
type End = { ticket: number; error?: UltrareError };

/** The steady clock that the experiment's times are told by. */
function seconds(): number {
  return performance.now() / 1000;
}

/**
 * Brings the store, which knows what has to be done, and the runner, which does it, together. Holds no results itself:
 * the same class serves the browser (store and tasks in workers) and Node (both in this thread).
 */
export class SessionFront implements Session, Watcher {
  private readonly listeners = new Set<(event: SessionEvent) => void>();
  private readonly begun = new Map<number, Begun>();
  private readonly early = new Map<number, End>(); // ends that were told before the ticket was
  private verdict: Verdict | undefined; // of the verification that ended last
  private onBytes: ((bytes: number, total: number) => void) | undefined;
  private isPaused = false;
  private epoch = 0; // counts cancellations: what belongs to an earlier one is dropped
  private store!: StoreAccess;
  private runner!: JobRunner;

  /** The parts are made after the session, because they report to it. */
  attach(store: StoreAccess, runner: JobRunner): this {
    [this.store, this.runner] = [store, runner];
    return this;
  }

  get workers(): number {
    return this.runner.size;
  }

  get running(): boolean {
    return this.begun.size > 0;
  }

  get paused(): boolean {
    return this.isPaused;
  }

  on(listener: (event: SessionEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async preview(file: FileLike, read?: Partial<ReadConfig>): Promise<Preview> {
    return this.store.call("preview", asFile(file), read);
  }

  async load(source: Source, read?: ReadChoice, onProgress?: (bytes: number, total: number) => void): Promise<DataView> {
    const files = asFiles(source);
    this.onBytes = onProgress;
    try {
      return await this.store.call("load", files, read);
    } finally {
      this.onBytes = undefined;
    }
  }

  loadSample(size: Size, seed?: number): Promise<DataView> {
    return this.store.call("loadSample", size, seed);
  }

  configure(patch: DeepPartial<Settings>): Promise<Stage[]> {
    return this.store.call("configure", patch);
  }

  async readAssignmentFile(file: FileLike): Promise<{ users: number; shards: number }> {
    return this.store.call("readAssignmentFile", asFile(file));
  }

  restart(): Promise<void> {
    return this.store.call("restart");
  }

  build(until: Stage = "evaluate"): Promise<Snapshot> {
    return this.run({ build: { until } });
  }

  async apply(change: ChangePatch): Promise<Snapshot> {
    return this.run({ change: { change: await this.complete(change), mode: change.mode ?? "frozen" } });
  }

  forget(request: RequestPatch, mode: Mode = "frozen"): Promise<Snapshot> {
    return this.apply({ forget: request, mode });
  }

  async addedRows(file: FileLike, read?: Partial<ReadConfig>): Promise<AddedRow[]> {
    return this.store.call("addedRows", asFile(file), read);
  }

  compare(): Promise<Snapshot> {
    return this.run("compare");
  }

  twin(): Promise<Snapshot> {
    return this.run("twin");
  }

  sequence(sequence: Sequence, mode: Mode = "frozen", twin = false): Promise<Snapshot> {
    return this.run({ sequence: { sequence, mode, twin } });
  }

  parseSequence(script: string): Promise<Sequence> {
    return this.store.call("parseSequence", script);
  }

  receipts(): Promise<string[]> {
    return this.store.call("receipts");
  }

  readReceipt(text: string): Promise<ReceiptView> {
    return this.store.call("readReceipt", text);
  }

  async verify(receipts: string[], source: VerifySource, read?: ReadChoice): Promise<Verdict> {
    const rows = typeof source === "object" && source !== null && "sample" in source ? source : asFiles(source);
    await this.ended(() => this.store.call("verify", receipts, rows, read, seconds()));
    return this.verdict!;
  }

  baselines(): Promise<Snapshot> {
    return this.run("baselines");
  }

  decompose(): Promise<Snapshot> {
    return this.run("decompose");
  }

  sweep(config: Partial<SweepConfig>): Promise<Snapshot> {
    return this.run({ sweep: { config: { shards: [], partitions: [], combiners: [], decompose: false, ...config } } });
  }

  select(selection: Selection): Promise<string[]> {
    return this.store.call("select", selection);
  }

  async plan(change: ChangePatch): Promise<Plan> {
    return this.store.call("plan", await this.complete(change), change.mode ?? "frozen");
  }

  snapshot(): Promise<Snapshot> {
    return this.store.call("snapshot");
  }

  users(): Promise<UsersView> {
    return this.store.call("users");
  }

  person(id: string): Promise<PersonView> {
    return this.store.call("person", id);
  }

  opinions(id: string): Promise<OpinionsView> {
    return this.store.call("opinions", id);
  }

  report(): Promise<ReadReport[]> {
    return this.store.call("report");
  }

  save(): Promise<Uint8Array> {
    return this.store.call("save");
  }

  restore(bytes: Uint8Array): Promise<Snapshot> {
    return this.store.call("restore", bytes);
  }

  readonly kept: Kept = {
    put: (key, bytes) => this.store.kept("put", key, bytes),
    get: (key) => this.store.kept("get", key),
    keys: () => this.store.kept("keys"),
    retain: async (keys) => this.store.kept("retain", [...keys]),
    clear: () => this.store.kept("clear"),
    clearAll: () => this.store.kept("clearAll"),
  };

  pause(): void {
    this.control({ kind: "pause" }, true);
  }

  resume(): void {
    this.control({ kind: "resume" }, false);
  }

  step(): void {
    this.control({ kind: "step" }, this.isPaused);
  }

  setSpeed(stepsPerSecond: number | null): void {
    if (stepsPerSecond !== null && !(stepsPerSecond > 0)) {
      throw new RangeError(`a speed is a number of steps per second above 0, or null for full speed, not ${stepsPerSecond}`);
    }
    this.control({ kind: "speed", stepsPerSecond }, this.isPaused);
  }

  async cancel(): Promise<void> {
    await this.abandon(cancelled());
  }

  crashWorker(): void {
    this.runner.crash?.();
  }

  close(): void {
    this.epoch += 1;
    this.runner?.close(); // there are none where opening failed
    this.store?.close();
    for (const begun of this.waiting()) begun.reject(cancelled());
    this.listeners.clear();
  }

  /** From the store: bytes read so far. */
  reading(progress: Progress): void {
    this.onBytes?.(progress.bytes, progress.total);
  }

  progress(_job: JobOut, _progress: number, events: PipelineEvent[]): void {
    events.forEach((event) => this.emit(event));
  }

  worker(...[worker, state, job, error]: Parameters<Watcher["worker"]>): void {
    const about = job && { stage: job.stage, pipeline: job.pipeline, shard: job.shard };
    this.emit({ kind: "worker", worker, state, ...(about && { job: about }), ...(error && { error }) });
  }

  failed(error: UltrareError): void {
    void this.abandon(error);
  }

  /** From the store: its worker died, and the experiment with it. What ran there is over. */
  lost(error: UltrareError): void {
    this.abandon(error).catch(() => {}); // nor can another be started: whoever asks next hears of it
  }

  private emit(event: SessionEvent): void {
    for (const listener of [...this.listeners]) listener(event);
  }

  private control(message: Control, paused: boolean): void {
    this.runner.control(message);
    this.isPaused = paused;
    this.state();
  }

  private state(): void {
    this.emit({ kind: "state", running: this.running, paused: this.isPaused });
  }

  async run(activity: Activity): Promise<Snapshot> {
    await this.ended(() => this.store.call("begin", activity, seconds()));
    return this.store.call("snapshot");
  }

  /** A change with the parts that were left out, and its rows out of their file. */
  private async complete({ forget, add = [] }: ChangePatch): Promise<Change> {
    const rows: readonly RowPatch[] = isRows(add) ? add : await this.addedRows(add);
    return {
      forget: { users: [], items: [], interactions: [], confirmed: false, ...forget },
      add: rows.map((row) => ({ value: 1, time: 0, ...row })),
    };
  }

  /** Asks the store for something and resolves when its ticket has ended. */
  private async ended(ask: () => Promise<number>): Promise<void> {
    const { epoch } = this;
    const ticket = await ask();
    if (epoch !== this.epoch) throw cancelled();
    return new Promise<void>((resolve, reject) => {
      this.begun.set(ticket, { resolve, reject });
      const end = this.early.get(ticket);
      this.early.delete(ticket);
      if (end) return this.finish(end);
      this.state();
      this.pump(epoch).catch((error) => { if (epoch === this.epoch) return this.abandon(error); });
    });
  }

  /** Hands out what is ready and takes in what is done, until nothing is left. */
  private async pump(epoch: number, done?: { job: JobOut; finished: Finished }): Promise<void> {
    if (epoch !== this.epoch) return;
    const turn = done
      ? await this.store.call("accept", done.job.id, done.finished.result, done.finished.seconds, this.runner.size, seconds())
      : await this.store.call("jobs", this.runner.size, seconds());
    if (epoch !== this.epoch) return;
    for (const job of turn.jobs) {
      void this.runner.run(job, (digest) => this.store.call("blob", digest)).then(
        (finished) => this.pump(epoch, { job, finished }),
        (error) => { if (epoch === this.epoch) throw error; },
      ).catch((error) => { if (epoch === this.epoch) return this.abandon(error); });
    }
    for (const event of turn.events) this.hear(event);
  }

  /** Tells everybody, and whoever waited for what this event ends. */
  private hear(event: Event): void {
    this.emit(event);
    if (event.kind === "verified") this.verdict = event.verdict;
    if (event.kind === "finished") this.finish({ ticket: event.ticket });
    if (event.kind === "refused") this.finish({ ticket: event.ticket, error: new UltrareError(event) });
  }

  private finish(end: End): void {
    const begun = this.begun.get(end.ticket);
    if (!begun) return void this.early.set(end.ticket, end);
    this.begun.delete(end.ticket);
    if (end.error) begun.reject(end.error);
    else begun.resolve();
    this.state();
  }

  private waiting(): Begun[] {
    const waiting = [...this.begun.values()];
    this.begun.clear();
    this.early.clear();
    return waiting;
  }

  /** Ends everything under way; whoever waits is told why. */
  private async abandon(reason: unknown): Promise<void> {
    this.epoch += 1;
    const waiting = this.waiting();
    const error = reason instanceof UltrareError ? reason : new UltrareError(flatten(reason));
    try {
      await this.runner.cancel();
      await this.store.call("cancel");
    } finally {
      if (error.code !== "cancelled") this.emit({ kind: "error", error: flatten(error) });
      for (const begun of waiting) begun.reject(error);
      this.state();
    }
  }
}
