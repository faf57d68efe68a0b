import { chunks } from "./chunks.js";
import { merge } from "./merge.js";
import type { Outcomes } from "./outcomes.js";
import type { Files } from "./source.js";
import type {
  Activity, AddedRow, Change, DataView, DeepPartial, Event, JobOut, Mode, OpinionsView, PersonView, Plan, Preview, ReadConfig, ReadReport, ReceiptView, Selection, Sequence,
  Settings, Size, Snapshot, Stage, UsersView,
} from "./types.js";
import { Experiment, Reader, added_rows, parse_sequence, preview, read_receipt } from "./wasm.js";

/** Bytes of the person's files that have been read. */
export interface Progress {
  bytes: number;
  total: number;
}

/** What is to be run now, what has happened, and whether something is still under way. */
export interface Turn {
  jobs: JobOut[];
  events: Event[];
  running: boolean;
}

/** As much of a file as a preview looks at. */
const HEAD = 65_536;

/**
 * The experiment in wasm, and the reading of files into it. Lives in the session worker, or in the caller's thread in
 * Node. Every public method takes and gives what can be posted. Times are seconds of the caller's steady clock.
 */
export class Store {
  private readonly experiment = new Experiment();
  private reports: ReadReport[] = [];

  constructor(private readonly onProgress: (progress: Progress) => void, private readonly outcomes?: Outcomes) {
    this.experiment.show_positions(true);
  }

  async preview(file: Blob, read: Partial<ReadConfig> = {}): Promise<Preview> {
    const head: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    for await (const chunk of chunks(file)) {
      head.push(chunk);
      length += chunk.length;
      if (length >= HEAD) break;
    }
    return preview(new Uint8Array(await new Blob(head).arrayBuffer()), read as ReadConfig);
  }

  /** Replaces the rows. What was there stays if the files cannot be used. */
  async load(source: Files, read: Partial<ReadConfig> = {}): Promise<DataView> {
    const start = performance.now();
    await this.readers(source, read, (rows, test) => (this.reports = this.experiment.load(rows, test, read.k_core)));
    this.experiment.note_read((performance.now() - start) / 1000);
    await this.outcomes?.recall(this.experiment);
    return this.experiment.snapshot().data!;
  }

  /** Reads the files and hands the readers over to `take`, which frees them, whether it can use them or not. */
  private async readers<T>(source: Files, read: Partial<ReadConfig>, take: (rows: Reader, test?: Reader) => T): Promise<T> {
    const files = "data" in source ? [source.data] : [source.train, source.test];
    const total = files.reduce((sum, file) => sum + file.size, 0);
    let bytes = 0;
    let readers: Reader[] = [];
    try {
      for (const file of files) {
        const reader = new Reader(read as ReadConfig);
        readers.push(reader);
        for await (const chunk of chunks(file)) {
          reader.push(chunk);
          this.onProgress({ bytes: (bytes += chunk.length), total });
        }
      }
      const [rows, test] = readers;
      readers = [];
      return take(rows!, test);
    } finally {
      for (const reader of readers) reader.free();
    }
  }

  /** A file's rows, to be added to those that are loaded. */
  addedRows(file: Blob, read: Partial<ReadConfig> = {}): Promise<AddedRow[]> {
    return this.readers({ data: file }, read, (rows) => added_rows(rows));
  }

  async loadSample(size: Size, seed = 1): Promise<DataView> {
    this.experiment.load_sample(size, seed);
    this.reports = [];
    await this.outcomes?.recall(this.experiment);
    return this.experiment.snapshot().data!;
  }

  /** What became of each file that was read. */
  report(): ReadReport[] {
    return this.reports;
  }

  configure(patch: DeepPartial<Settings>): Stage[] {
    return this.experiment.configure(merge(this.experiment.settings(), patch));
  }

  async readAssignmentFile(file: Blob): Promise<{ users: number; shards: number }> {
    const [users, shards] = this.experiment.read_assignment_file(await file.text());
    return { users, shards };
  }

  restart(): void {
    this.experiment.restart();
  }

  /** Gives the ticket that the notice of its end will name. */
  begin(activity: Activity, now: number): number {
    this.experiment.tick(now);
    return this.experiment.begin(activity);
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
  async verify(receipts: string[], source: Files | { sample: Size; seed?: number }, read: Partial<ReadConfig> = {}, now: number): Promise<number> {
    this.experiment.tick(now);
    if ("sample" in source) return this.experiment.verify_sample(receipts, source.sample, source.seed ?? 1);
    return this.readers(source, read, (rows, test) => this.experiment.verify(receipts, rows, test));
  }

  /** Reads a script of changes. */
  parseSequence(script: string): Sequence {
    return parse_sequence(script);
  }

  jobs(workers: number, now: number): Turn {
    this.experiment.tick(now);
    this.experiment.set_workers(workers);
    const jobs = this.experiment.jobs();
    this.outcomes?.note(jobs);
    return { jobs, events: this.experiment.notices(), running: this.experiment.running() };
  }

  /** What is purged by what the result ends is gone when this resolves. */
  async accept(id: number, result: Uint8Array, seconds: number, workers: number, now: number): Promise<Turn> {
    this.experiment.tick(now);
    const accepted = this.experiment.accept(id, result, seconds);
    this.outcomes?.put(id, result);
    const turn = this.jobs(workers, now);
    const events = [...accepted, ...turn.events];
    // A pipeline that is measured serves from here on: of a change, what was before it is gone.
    if (events.some(({ kind }) => kind === "evaluated" || kind === "finished")) await this.outcomes?.retain(this.experiment);
    return { ...turn, events };
  }

  /** Bytes that a job which is out names by their digest. */
  blob(digest: string): Uint8Array {
    return this.experiment.blob(digest);
  }

  async cancel(): Promise<void> {
    this.experiment.cancel();
    await this.outcomes?.retain(this.experiment);
  }

  select(selection: Selection): string[] {
    return this.experiment.select(selection);
  }

  plan(change: Change, mode: Mode): Plan {
    return this.experiment.plan(change, mode);
  }

  snapshot(): Snapshot {
    return this.experiment.snapshot();
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

  save(): Uint8Array {
    return this.experiment.save();
  }

  async restore(bytes: Uint8Array): Promise<Snapshot> {
    this.experiment.restore(bytes);
    this.reports = [];
    await this.outcomes?.recall(this.experiment);
    return this.experiment.snapshot();
  }

  close(): void {
    this.experiment.free();
  }
}
