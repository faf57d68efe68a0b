import { Activities } from "./activities.js";
import { bytes, id, oneOf, plain, queryOf, refused, text, texts, visited, watch, whole } from "./check.js";
import { UltrareError, cancelled, typed } from "./errors.js";
import type { Control } from "./gate.js";
import type { StoreAccess } from "./protocol.js";
import type { JobRunner, Watcher } from "./runner.js";
import { asFile, asFiles } from "./source.js";
import type { Reading } from "./store.js";
import type {
  Activity, AddedRow, AssignmentView, Catalogue, Change, ChangePatch, DataView, DeepPartial, Explanation, FileLike, Id, JobOut, Kept, List, Mode, OpinionsView, PersonView, PipelineEvent, Plan, Preview, Progress,
  Query, ReadChoice, ReadConfig, ReadReport, ReceiptView, RequestPatch, RowPatch, Rows, Scenario, ScenarioCard, Selection, Sequence, SequenceBill, Session, SessionEvent, Settings, Size, Snapshot,
  Source, Stage, SweepConfig, UsersView, VectorsView, Verdict, VerifySource, Visited, Watch,
} from "./types.js";

const MODES: readonly Mode[] = ["frozen", "refit"];
/** Where there is no such symbol yet, programs that are translated for `await using` bring this one. */
const ASYNC_DISPOSE: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? (Symbol.for("Symbol.asyncDispose") as typeof Symbol.asyncDispose);

function isRows(add: Rows): add is readonly RowPatch[] {
  return Array.isArray(add);
}

/**
 * What people hold: it checks what it is given, and hands it to the store, or to the activities that end with a ticket. Holds no
 * results itself: the same class serves browsers and Node, with the parts in workers, in threads, or in this thread.
 */
export class SessionFront implements Session, Watcher {
  private readonly listeners = new Set<(event: SessionEvent) => void>();
  /** What is being read, by its number: how it is stopped, and who hears how far it is. */
  private readonly readings = new Map<number, { stop: AbortController; onProgress: Watch["onProgress"] }>();
  private readonly activities = new Activities({ emit: (event) => this.emit(event), state: () => this.state() });
  private isPaused = false;
  private nextReading = 0;
  private store!: StoreAccess;
  private runner!: JobRunner;

  /** The parts are made after the session, because they report to it. */
  attach(store: StoreAccess, runner: JobRunner): this {
    [this.store, this.runner] = [store, runner];
    this.activities.attach(store, runner);
    return this;
  }

  get workers(): number {
    return this.runner.size;
  }

  get running(): boolean {
    return this.activities.running;
  }

  get paused(): boolean {
    return this.isPaused;
  }

  on(listener: (event: SessionEvent) => void): () => void {
    if (typeof listener !== "function") throw refused("a listener", "a function", listener);
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async preview(file: FileLike, read: Partial<ReadConfig> = {}): Promise<Preview> {
    return this.store.call("preview", await asFile(file), plain(read, "the reading settings"));
  }

  async listsTitles(file: FileLike): Promise<boolean> {
    return this.store.call("listsTitles", await asFile(file));
  }

  load(source: Source, read?: ReadChoice, watching?: Watch): Promise<DataView> {
    return this.read(watching, async (reading, on) => this.store.call("load", await asFiles(source, on), choice(read), reading));
  }

  async loadSample(size: Size, seed = 1): Promise<DataView> {
    return this.store.call("loadSample", size, whole(seed, "the seed", 0));
  }

  async configure(patch: DeepPartial<Settings>): Promise<Stage[]> {
    return this.store.call("configure", plain(patch, "the settings"));
  }

  async catalogue(): Promise<Catalogue> {
    return this.store.call("catalogue");
  }

  async readAssignmentFile(file: FileLike): Promise<{ users: number; shards: number }> {
    return this.store.call("readAssignmentFile", await asFile(file));
  }

  async restart(): Promise<void> {
    return this.store.call("restart");
  }

  async build(until: Stage = "evaluate", watching?: Watch): Promise<Snapshot> {
    return this.run({ build: { until } }, watching);
  }

  async apply(change: ChangePatch, watching?: Watch): Promise<Snapshot> {
    return this.run({ change: { change: await this.complete(change), mode: modeOf(change) } }, watching);
  }

  async forget(request: RequestPatch, mode: Mode = "frozen", watching?: Watch): Promise<Snapshot> {
    return this.apply({ forget: request, mode }, watching);
  }

  addedRows(file: FileLike, read?: Partial<ReadConfig>, watching?: Watch): Promise<AddedRow[]> {
    return this.read(watching, async (reading, on) => this.store.call("addedRows", await asFile(file, on), plain(read ?? {}, "the reading settings"), reading));
  }

  compare(watching?: Watch): Promise<Snapshot> {
    return this.run("compare", watching);
  }

  twin(watching?: Watch): Promise<Snapshot> {
    return this.run("twin", watching);
  }

  async sequence(sequence: Sequence, mode: Mode = "frozen", twin = false, watching?: Watch): Promise<Snapshot> {
    return this.run({ sequence: { sequence, mode: oneOf(mode, "the mode", MODES), twin } }, watching);
  }

  async scenarios(): Promise<ScenarioCard[]> {
    return this.store.call("scenarios");
  }

  async scenario(name: Scenario): Promise<Sequence> {
    return this.store.call("scenario", text(name, "a story") as Scenario);
  }

  async bill(sequence: Sequence, mode: Mode = "frozen"): Promise<SequenceBill> {
    return this.store.call("bill", plain(sequence, "a sequence"), oneOf(mode, "the mode", MODES));
  }

  async parseSequence(script: string): Promise<Sequence> {
    return this.store.call("parseSequence", text(script, "a script"));
  }

  async receipts(): Promise<string[]> {
    return this.store.call("receipts");
  }

  async readReceipt(receipt: string): Promise<ReceiptView> {
    return this.store.call("readReceipt", text(receipt, "a receipt"));
  }

  async verify(receipts: string[], source: VerifySource, read?: ReadChoice, watching?: Watch): Promise<Verdict> {
    texts(receipts, "what is to be verified");
    const ask = (reading: number, on: Watch) => this.activities.run(async () => {
      const rows = typeof source === "object" && source !== null && ("sample" in source || "loaded" in source) ? source : await asFiles(source, on);
      return this.store.call("verify", receipts, rows, choice(read), reading);
    }, on);
    return (await this.read(watching, ask))!;
  }

  baselines(watching?: Watch): Promise<Snapshot> {
    return this.run("baselines", watching);
  }

  decompose(watching?: Watch): Promise<Snapshot> {
    return this.run("decompose", watching);
  }

  async sweep(config: Partial<SweepConfig>, watching?: Watch): Promise<Snapshot> {
    return this.run({ sweep: { config: { shards: [], partitions: [], combiners: [], decompose: false, ...plain(config, "a sweep") } } }, watching);
  }

  async select(selection: Selection): Promise<string[]> {
    return this.store.call("select", plain(selection, "a selection"));
  }

  async plan(change: ChangePatch): Promise<Plan> {
    return this.store.call("plan", await this.complete(change), modeOf(change));
  }

  async snapshot(): Promise<Snapshot> {
    return this.store.call("snapshot");
  }

  async users(): Promise<UsersView> {
    return this.store.call("users");
  }

  recommend(user: Id, query?: number | Partial<Query>): Promise<List>;
  recommend(users: readonly Id[], query?: number | Partial<Query>): Promise<List[]>;
  async recommend(who: Id | readonly Id[], query?: number | Partial<Query>): Promise<List | List[]> {
    const asked = queryOf(query);
    if (Array.isArray(who)) return this.store.call("recommend", who.map((user) => id(user, "a user")), asked);
    const [list] = await this.store.call("recommend", [id(who, "a user")], asked);
    return list!;
  }

  async recommendFor(rows: readonly Visited[], query?: number | Partial<Query>): Promise<List> {
    return this.store.call("recommendFor", visited(rows), queryOf(query));
  }

  async similar(item: Id, query?: number | Partial<Query>): Promise<List> {
    return this.store.call("similar", id(item, "an item"), queryOf(query));
  }

  async explain(who: Id | readonly Visited[], item: Id): Promise<Explanation> {
    const asked = Array.isArray(who) ? visited(who) : id(who, "whoever is asked about");
    return this.store.call("explain", asked, id(item, "an item"));
  }

  async person(user: string): Promise<PersonView> {
    return this.store.call("person", id(user, "a user"));
  }

  async opinions(user: string): Promise<OpinionsView> {
    return this.store.call("opinions", id(user, "a user"));
  }

  async assignment(): Promise<AssignmentView> {
    return this.store.call("assignment");
  }

  async vectors(shard: number): Promise<VectorsView> {
    return this.store.call("vectors", whole(shard, "the shard", 0));
  }

  async report(): Promise<ReadReport[]> {
    return this.store.call("report");
  }

  async save(): Promise<Uint8Array> {
    return this.store.call("save");
  }

  async restore(saved: Uint8Array): Promise<Snapshot> {
    return this.store.call("restore", bytes(saved, "a saved experiment"));
  }

  readonly kept: Kept = {
    keepExperiment: async (key, beside, most) => this.store.kept("keepExperiment", text(key, "a key"), bytes(beside, "what is kept beside it"), most),
    beside: async (key) => this.store.kept("beside", text(key, "a key")),
    restoreExperiment: async (key) => this.store.kept("restoreExperiment", text(key, "a key")),
    put: async (key, value) => this.store.kept("put", text(key, "a key"), bytes(value, "what is kept")),
    get: async (key) => this.store.kept("get", text(key, "a key")),
    keys: () => this.store.kept("keys"),
    retain: async (keys) => this.store.kept("retain", texts([...keys], "what is retained")),
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
    if (stepsPerSecond !== null && !(stepsPerSecond > 0)) throw refused("a speed", "a number of steps per second above 0, or null for full speed", stepsPerSecond);
    this.control({ kind: "speed", stepsPerSecond }, this.isPaused);
  }

  async cancel(): Promise<void> {
    for (const { stop } of this.readings.values()) stop.abort();
    await this.activities.abandon(cancelled());
  }

  crashWorker(): void {
    this.runner.crash?.();
  }

  close(): void {
    this.runner?.close(); // there are none where opening failed
    this.store?.close();
    this.activities.close();
    for (const { stop } of this.readings.values()) stop.abort();
    this.listeners.clear();
  }

  async [ASYNC_DISPOSE](): Promise<void> {
    this.close();
  }

  /** From the store: bytes read so far. */
  reading({ reading, bytes: done, total }: Reading): void {
    const fraction = total > 0 ? Math.min(1, done / total) : 1;
    const onProgress = this.readings.get(reading)?.onProgress;
    if (onProgress) heed(() => onProgress({ stage: "read", pipeline: null, done, total, fraction }));
  }

  progress(job: JobOut, progress: number, events: PipelineEvent[]): void {
    events.forEach((event) => this.emit(event));
    this.activities.progress(job, progress);
  }

  worker(...[worker, state, job, error]: Parameters<Watcher["worker"]>): void {
    const about = job && { stage: job.stage, pipeline: job.pipeline, shard: job.shard };
    this.emit({ kind: "worker", worker, state, ...(about && { job: about }), ...(error && { error }) });
  }

  failed(error: UltrareError): void {
    this.activities.abandon(error).catch(() => {}); // whoever waits was told
  }

  /** From the store: its worker died, and the experiment with it. What ran there is over. */
  lost(error: UltrareError): void {
    this.activities.abandon(error).catch(() => {}); // nor can another be started: whoever asks next hears of it
  }

  async run(activity: Activity, watching: Watch = {}): Promise<Snapshot> {
    await this.activities.run(() => this.store.call("begin", activity), heard(watch(watching)));
    return this.store.call("snapshot");
  }

  private emit(event: SessionEvent): void {
    for (const listener of [...this.listeners]) heed(() => listener(event));
  }

  private control(message: Control, paused: boolean): void {
    this.runner.control(message);
    this.isPaused = paused;
    this.state();
  }

  private state(): void {
    this.emit({ kind: "state", running: this.running, paused: this.isPaused });
  }

  /** Reads something: its number names it where it is stopped and where its bytes are told. */
  private async read<T>(watching: Watch = {}, read: (reading: number, on: Watch) => Promise<T>): Promise<T> {
    const on = watch(watching);
    if (on.signal?.aborted) throw cancelled();
    const reading = this.nextReading++;
    const [stop, abort] = [new AbortController(), () => stop.abort()];
    stop.signal.addEventListener("abort", () => void this.store.call("stop", reading).catch(() => {})); // closed meanwhile
    this.readings.set(reading, { stop, onProgress: on.onProgress });
    on.signal?.addEventListener("abort", abort);
    try {
      return await read(reading, heard({ ...on, signal: stop.signal }));
    } catch (thrown) {
      throw typed(thrown);
    } finally {
      on.signal?.removeEventListener("abort", abort);
      this.readings.delete(reading);
    }
  }

  /** A change with the parts that were left out, and its rows out of their file. */
  private async complete(change: ChangePatch): Promise<Change> {
    const { forget, add = [] } = plain(change, "a change", ["forget", "add", "mode"]);
    plain(forget ?? {}, "forget", ["users", "items", "interactions", "confirmed"]);
    const rows: readonly RowPatch[] = isRows(add) ? add : await this.addedRows(add);
    return {
      forget: { users: [], items: [], interactions: [], confirmed: false, ...forget },
      add: rows.map((row, at) => ({ value: 1, time: 0, ...plain(row, `row ${at + 1} of what is added`) })),
    };
  }
}

function modeOf({ mode = "frozen" }: ChangePatch): Mode {
  return oneOf(mode, "the mode", MODES);
}

function choice(read: ReadChoice = {}): ReadChoice {
  if (Array.isArray(read) && read.length !== 2) throw refused("a list of reading settings", "one for each of two files", read);
  for (const one of Array.isArray(read) ? read : [read]) plain(one, "the reading settings");
  return read;
}

/** With a listener whose own errors are its own. */
function heard({ signal, onProgress }: Watch): Watch {
  return { ...(signal && { signal }), ...(onProgress && { onProgress: (progress: Progress) => heed(() => onProgress(progress)) }) };
}

/** Calls what somebody else wrote: what it throws is told as any uncaught error, and disturbs nothing here. */
function heed(call: () => void): void {
  try {
    call();
  } catch (thrown) {
    queueMicrotask(() => { throw thrown; });
  }
}
