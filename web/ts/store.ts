import { chunks } from "./chunks.js";
import { Gate } from "./gate.js";
import { merge } from "./merge.js";
import type { Outcomes } from "./outcomes.js";
import { isParquet, parquetLines } from "./parquet.js";
import type { Files } from "./source.js";
import { release } from "./transfer.js";
import type {
  Activity, AddedRow, AssignmentView, Catalogue, Change, DataView, DeepPartial, Event, Explanation, JobOut, List, Mode, OpinionsView, PersonView, Plan, Preview, Query, ReadChoice, ReadConfig, ReadReport, ReceiptView, Selection,
  Scenario, ScenarioCard, Sequence, SequenceBill, Settings, Size, Snapshot, Spent, Stage, UsersView, VectorsView,
} from "./types.js";
import { Experiment, Reader, type Saving, type Server, added_rows, catalogue, lists_titles, parse_sequence, preview, preview_file, read_receipt, scenarios } from "./wasm.js";

/** Bytes of the person's files that have been read, and by which reading. */
export interface Reading {
  reading: number;
  bytes: number;
  total: number;
}

/** What is to be run now, what has happened, and whether something is still under way. */
export interface Turn {
  jobs: JobOut[];
  events: Event[];
  running: boolean;
  /** Whose the jobs are; -1 for nobody's. */
  ticket: number;
}

/** As much of a file as a preview looks at, and rows of a Parquet file. */
const HEAD = 65_536;
const HEAD_ROWS = 1_000;
/** Bytes read between two looks whether the reading was cancelled: a few hundredths of a second. */
const STEP = 1 << 21;
/** In a worker the library reads the file where it lies; elsewhere its bytes are handed over. */
const LIES = typeof (globalThis as { FileReaderSync?: unknown }).FileReaderSync === "function";
/** How archives begin, whose list of files stands elsewhere than at the beginning: zip, gzip. */
const PACKED = /^(PK|\x1f\x8b)/;

/**
 * The experiment in wasm, and the reading of files into it. Lives in the session worker, or in the caller's thread in
 * Node. Every public method takes and gives what can be posted.
 */
export class Store {
  private readonly experiment = new Experiment();
  private reports: ReadReport[] = [];
  /** What serves, read back, from the first question until something may have changed it. */
  private server: Server | null = null;
  /** What is being read, by its number. */
  private readonly readings = new Map<number, Gate>();

  constructor(private readonly onProgress: (progress: Reading) => void, private readonly outcomes?: Outcomes) {
    this.experiment.show_positions(true);
  }

  async preview(file: Blob, read: Partial<ReadConfig> = {}): Promise<Preview> {
    const config = read as ReadConfig;
    if (await isParquet(file)) {
      const { value: head } = await parquetLines(file, HEAD_ROWS).next();
      return { ...preview(head ?? new Uint8Array(), { ...config, shape: "json" }), source: "parquet" };
    }
    if (LIES) return preview_file(file, config);
    const packed = PACKED.test(new TextDecoder("latin1").decode(await file.slice(0, 2).arrayBuffer()));
    return preview(new Uint8Array(await (packed ? file : file.slice(0, HEAD)).arrayBuffer()), config);
  }

  async listsTitles(file: Blob): Promise<boolean> {
    return lists_titles(new Uint8Array(await file.slice(0, HEAD).arrayBuffer()));
  }

  /** Replaces the rows. What was there stays if the files cannot be used. */
  async load(source: Files, read: ReadChoice = {}, reading: number): Promise<DataView> {
    const start = performance.now();
    const { k_core } = (Array.isArray(read) ? read[0] : read) as Partial<ReadConfig>;
    await this.readers(source, read, reading, "test" in source, async (gate, rows, test) => {
      const loading = this.experiment.loading(rows, test, k_core);
      try {
        while (!loading.step()) await gate.pass();
      } catch (thrown) {
        loading.free();
        throw thrown;
      }
      this.changes();
      this.reports = this.experiment.take_loaded(loading);
    });
    this.experiment.note_read((performance.now() - start) / 1000);
    await this.outcomes?.recall(this.experiment);
    return this.experiment.snapshot().data!;
  }

  /**
   * Reads the files and hands the readers over to `take`, which frees them, whether it can use them or not. A `part` of the rows,
   * one of two files or rows to be added, may have a single user.
   */
  private async readers<T>(source: Files, read: ReadChoice, reading: number, part: boolean, take: (gate: Gate, rows: Reader, test?: Reader) => T | Promise<T>): Promise<T> {
    const files = "data" in source ? [source.data] : [source.train, source.test];
    const total = files.reduce((sum, file) => sum + file.size, 0);
    let before = 0;
    let readers: Reader[] = [];
    const gate = new Gate();
    this.readings.set(reading, gate);
    try {
      for (const [at, file] of files.entries()) {
        const config = (Array.isArray(read) ? read[at] : read) as ReadConfig;
        await this.read(file, config, readers, gate, (bytes) => this.onProgress({ reading, bytes: before + bytes, total }));
        before += file.size;
      }
      if (source.titles) readers[0]!.with_titles(new Uint8Array(await source.titles.arrayBuffer()));
      for (const reader of readers) {
        do await gate.pass();
        while (!reader.settle(part));
      }
      const [rows, test] = readers;
      readers = [];
      return await take(gate, rows!, test);
    } finally {
      this.readings.delete(reading);
      gate.close();
      for (const reader of readers) reader.free();
    }
  }

  /** A file's rows, to be added to those that are loaded. */
  addedRows(file: Blob, read: Partial<ReadConfig> = {}, reading: number): Promise<AddedRow[]> {
    return this.readers({ data: file }, read, reading, true, (_, rows) => added_rows(rows));
  }

  /** Reads one file into a reader that is added to `readers`. Gives the thread back after each step, and ends if cancelled. */
  private async read(file: Blob, config: ReadConfig, readers: Reader[], gate: Gate, onBytes: (bytes: number) => void): Promise<void> {
    const parquet = await isParquet(file);
    if (LIES && !parquet) {
      const reader = Reader.open(file, config);
      readers.push(reader);
      while (!reader.step(STEP)) {
        onBytes(reader.bytes());
        await gate.pass();
      }
      return;
    }
    const reader = new Reader(parquet ? { ...config, shape: "json", delimiter: null, header: null } : config);
    readers.push(reader);
    let bytes = 0;
    for await (const chunk of parquet ? parquetLines(file) : chunks(file)) {
      reader.push(chunk);
      onBytes(parquet ? Math.min((bytes += chunk.length / 4), file.size) : (bytes += chunk.length));
      await gate.pass();
    }
  }

  async loadSample(size: Size, seed = 1): Promise<DataView> {
    this.timed(() => this.experiment.load_sample(size, seed), "read");
    this.reports = [];
    await this.outcomes?.recall(this.experiment);
    return this.experiment.snapshot().data!;
  }

  /** What became of each file that was read. */
  report(): ReadReport[] {
    return this.reports;
  }

  configure(patch: DeepPartial<Settings>): Stage[] {
    const { model, partition, combine } = patch;
    // Another choice has other knobs: what a patch may name is what the chosen ones have.
    const base = this.experiment.choosing(model?.name ?? null, partition?.method ?? null, combine?.method ?? null);
    return this.experiment.configure(merge(base, patch));
  }

  async readAssignmentFile(file: Blob): Promise<{ users: number; shards: number }> {
    const [users, shards] = this.experiment.read_assignment_file(await file.text());
    return { users, shards };
  }

  restart(): void {
    this.experiment.restart();
  }

  /** Gives the ticket that the notice of its end will name. */
  begin(activity: Activity): number {
    return this.timed(() => this.experiment.begin(activity));
  }

  /** Tells the time before and after: what goes by is named by what is under way, or `what`. */
  private timed<T>(on: () => T, what?: Spent): T {
    this.tick();
    try {
      return on();
    } finally {
      if (what) this.experiment.doing(what);
      this.tick();
    }
  }

  private tick(): void {
    this.experiment.tick(performance.now() / 1000);
  }

  /** The receipts so far, the first first, each as a JSON document. */
  receipts(): string[] {
    return this.experiment.receipts();
  }

  /** What a receipt says, before it is checked. */
  readReceipt(text: string): ReceiptView {
    return read_receipt(text);
  }

  /** Begins to check receipts; what is loaded stays as it is. Gives the ticket. */
  async verify(receipts: string[], source: Files | { sample: Size; seed?: number } | { loaded: true }, read: ReadChoice = {}, reading: number): Promise<number> {
    if ("loaded" in source) {
      return this.timed(() => this.experiment.verify_loaded(receipts));
    }
    if ("sample" in source) {
      return this.timed(() => this.experiment.verify_sample(receipts, source.sample, source.seed ?? 1));
    }
    return this.readers(source, read, reading, "test" in source, (_, rows, test) => this.experiment.verify(receipts, rows, test));
  }

  /** Reads a script of changes. */
  parseSequence(script: string): Sequence {
    return parse_sequence(script);
  }

  /** What there is to choose from. */
  catalogue(): Catalogue {
    return catalogue();
  }

  /** The stories that there are. */
  scenarios(): ScenarioCard[] {
    return scenarios();
  }

  /** The requests of a story on the rows in force. */
  scenario(name: Scenario): Sequence {
    return this.experiment.scenario(name);
  }

  /** The bill of a sequence. */
  bill(sequence: Sequence, mode: Mode): SequenceBill {
    return this.timed(() => this.experiment.bill(sequence, mode), "bill");
  }

  jobs(workers: number): Turn {
    this.experiment.set_workers(workers);
    const jobs = this.timed(() => this.experiment.jobs());
    this.outcomes?.note(jobs);
    return { jobs, events: this.experiment.notices(), running: this.experiment.running(), ticket: this.experiment.ticket() ?? -1 };
  }

  /** What is purged by what the result ends is gone when this resolves. */
  async accept(id: number, result: Uint8Array, seconds: number, workers: number): Promise<Turn> {
    this.changes();
    const accepted = this.timed(() => this.experiment.accept(id, result, seconds));
    if (this.outcomes) this.outcomes.put(id, result);
    else release(result);
    const turn = this.jobs(workers);
    const events = [...accepted, ...turn.events];
    // A pipeline that is measured serves from here on: of a change, what was before it is gone.
    if (events.some(({ kind }) => kind === "evaluated" || kind === "finished")) {
      await this.outcomes?.retain(this.experiment);
      this.experiment.doing("write");
      this.tick();
    }
    return { ...turn, events };
  }

  /** Bytes that a job which is out names by their digest. */
  blob(digest: string): Uint8Array {
    return this.experiment.blob(digest);
  }

  /** Ends one activity; the others go on. Gives what runs instead. */
  async drop(ticket: number, workers: number): Promise<Turn> {
    this.timed(() => this.experiment.cancel_ticket(ticket));
    const turn = this.jobs(workers);
    await this.outcomes?.retain(this.experiment);
    return turn;
  }

  /** Ends one reading, at its next step. */
  stop(reading: number): void {
    this.readings.get(reading)?.control({ kind: "cancel" });
  }

  async cancel(): Promise<void> {
    for (const gate of this.readings.values()) gate.control({ kind: "cancel" });
    this.experiment.cancel();
    await this.outcomes?.retain(this.experiment);
  }

  select(selection: Selection): string[] {
    return this.timed(() => this.experiment.select(selection), "bill");
  }

  plan(change: Change, mode: Mode): Plan {
    return this.timed(() => this.experiment.plan(change, mode), "bill");
  }

  snapshot(): Snapshot {
    return this.timed(() => this.experiment.snapshot(), "show");
  }

  users(): UsersView {
    return this.experiment.users();
  }

  person(id: string): PersonView {
    return this.experiment.person(id);
  }

  opinions(id: string): OpinionsView {
    return this.experiment.opinions(id);
  }

  recommend(users: string[], query: Partial<Query>): List[] {
    return this.serving().recommend(users, query);
  }

  recommendFor(rows: [string, number][], query: Partial<Query>): List {
    return this.serving().recommend_for(rows, query);
  }

  similar(item: string, query: Partial<Query>): List {
    return this.serving().similar(item, query);
  }

  explain(who: string | [string, number][], item: string): Explanation {
    return typeof who === "string" ? this.serving().explain(who, item) : this.serving().explain_for(who, item);
  }

  private serving(): Server {
    return (this.server ??= this.experiment.server());
  }

  /** What serves may be another from here on, and what was read back of the last one is let go. */
  private changes(): void {
    this.server?.free();
    this.server = null;
  }

  assignment(): AssignmentView {
    return this.experiment.members();
  }

  vectors(shard: number): VectorsView {
    const { user_vectors: users, item_vectors: items, ...of } = this.experiment.vectors(shard);
    return { ...of, user_vectors: floats(users), item_vectors: floats(items) };
  }

  save(): Uint8Array {
    return this.timed(() => this.experiment.save(), "write");
  }

  /** What is saved, part by part; free it at the end. Cannot be posted. */
  saving(): Saving {
    return this.timed(() => this.experiment.saving(), "write");
  }

  async restore(bytes: Uint8Array): Promise<Snapshot> {
    this.changes();
    this.experiment.restore(bytes);
    this.reports = [];
    await this.outcomes?.recall(this.experiment);
    return this.experiment.snapshot();
  }

  close(): void {
    for (const gate of this.readings.values()) gate.control({ kind: "cancel" });
    this.changes();
    this.experiment.free();
  }
}

/** The floats in bytes that are little-endian, as all machines are that run this. */
function floats(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  return new Float32Array(bytes.slice().buffer as ArrayBuffer);
}
