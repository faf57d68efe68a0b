import { chunks } from "./chunks.js";
import { merge } from "./merge.js";
import type {
  Activity, Config, DataView, DeepPartial, Event, JobOut, PersonView, Plan, Preview, ReadConfig, Request, Selection, Size,
  Snapshot, Source, Stage, UsersView, Mode,
} from "./types.js";
import { Experiment, Reader, preview } from "./wasm.js";

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
  private experiment = new Experiment();

  constructor(private readonly onProgress: (progress: Progress) => void) {
    this.experiment.show_positions(true);
  }

  async preview(file: Blob, read: ReadConfig = {}): Promise<Preview> {
    const head: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of chunks(file)) {
      head.push(chunk);
      length += chunk.length;
      if (length >= HEAD) break;
    }
    return preview(new Uint8Array(await new Blob(head as BlobPart[]).arrayBuffer()).subarray(0, HEAD), length >= HEAD, read);
  }

  /** Replaces the rows. What was there stays if the files cannot be used. */
  async load(source: Source, read: ReadConfig = {}): Promise<DataView> {
    const start = performance.now();
    const files = "data" in source ? [source.data] : [source.train, source.test];
    const total = files.reduce((sum, file) => sum + file.size, 0);
    let bytes = 0;
    const readers: Reader[] = [];
    try {
      for (const file of files) {
        const reader = new Reader(read);
        readers.push(reader);
        for await (const chunk of chunks(file, (length) => this.onProgress({ bytes: (bytes += length), total }))) reader.push(chunk);
      }
      const [train, test] = readers.splice(0); // the experiment frees them
      return this.experiment.load(train!, test, (performance.now() - start) / 1000);
    } finally {
      for (const reader of readers) reader.free();
    }
  }

  loadSample(size: Size, seed = 1): DataView {
    return this.experiment.load_sample(size, seed);
  }

  configure(patch: DeepPartial<Config>): Stage[] {
    return this.experiment.configure(merge(this.experiment.config(), patch));
  }

  begin(activity: Activity, now: number): void {
    this.experiment.tick(now);
    this.experiment.begin(activity);
  }

  jobs(workers: number, now: number): Turn {
    this.experiment.tick(now);
    return { jobs: this.experiment.jobs(workers), events: [], running: this.experiment.running() };
  }

  accept(id: number, result: Uint8Array, seconds: number, workers: number, now: number): Turn {
    this.experiment.tick(now);
    const events = this.experiment.accept(id, result, seconds);
    return { ...this.jobs(workers, now), events };
  }

  cancel(): void {
    this.experiment.cancel();
  }

  select(selection: Selection): string[] {
    return this.experiment.select(selection);
  }

  plan(request: Request, mode: Mode = "frozen"): Plan {
    return this.experiment.plan(request, mode);
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

  save(): Uint8Array {
    return this.experiment.save();
  }

  restore(bytes: Uint8Array): Snapshot {
    this.experiment.restore(bytes);
    return this.experiment.snapshot();
  }

  close(): void {
    this.experiment.free();
  }
}
