/// <reference lib="esnext.disposable" preserve="true" />
/** The library's own types, generated from the Rust types, and the few that only exist on this side. */
import type { ErrorData } from "./errors.js";
import type { Keyed } from "./vault.js";
import type {
  Activity, AddedRow, AssignmentView, Catalogue, DataView, Explanation, List, Mode, OpinionsView, Notice as Event, PersonView, Plan, Preview, Query, ReadConfig, ReadReport, ReceiptView, Request,
  Scenario, ScenarioCard, Selection, Sequence, SequenceBill, Settings, Size, Snapshot, Stage, SweepConfig, UsersView, Verdict,
} from "./wasm/ultrare_web_types.js";

export type { Keyed } from "./vault.js";
export type {
  Activity, AddedRow, Alike, ArchiveEntry, AssignmentView, Basis, Catalogue, Change, ChangeView, Column, ColumnChoice, CombinerCard, Confidence, DataView, Delimiter, Encoding, Event as PipelineEvent, Explanation, JobOut, Knob, List, Mode, ModelCard, Note, Notice as Event,
  OpinionView, OpinionsView, PartitionCard, PersonView, Plan, Preview, Query, ReadConfig, ReadReport, ReceiptView, Reason, Recommended, Rejection, Request, ResultView, Scenario, ScenarioCard, Selection, Sequence, SequenceBill, SequenceStep, SequenceView, Settings, Shape,
  ShardView, Size, SizeEstimate, Snapshot, SpentView, Spent, Stage, StepOut, SweepConfig, SweepPoint, SweepView, UserSample, UsersView, Verdict,
} from "./wasm/ultrare_web_types.js";

/** Any part of a value; lists are given as a whole. */
export type DeepPartial<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: DeepPartial<T[K]> } : T;

/** What the surroundings call by this name: browsers and Node have it, a project without their types does not. */
type Global<Name extends string> = typeof globalThis extends Record<Name, { prototype: infer T }> ? T : never;

/** A stream, as far as it is needed here. */
export interface Streamed<T> {
  getReader(): { read(): Promise<{ done: boolean; value?: T | undefined }>; cancel(reason?: unknown): Promise<void> };
}

/** A file, or its text or bytes, or a stream of them (`response.body`). */
export type FileLike = Global<"Blob"> | string | ArrayBuffer | ArrayBufferView | Streamed<Uint8Array>;

/** One row: ids may be numbers; value 1 where it is left out; a time in seconds, or a Date. */
export type RowLike =
  | { user: string | number | bigint; item: string | number | bigint; value?: number; time?: number | Date }
  | readonly [user: string | number | bigint, item: string | number | bigint, value?: number, time?: number | Date];

/** An id, as text or as a whole number. */
export type Id = string | number | bigint;
/** What a visitor shows: an item, value 1, or an item and its value. */
export type Visited = Id | { item: Id; value?: number } | readonly [item: Id, value: number];

/** Rows that come one after another; they are gathered before they are read. */
export type RowSource = Iterable<RowLike> | AsyncIterable<RowLike> | Streamed<RowLike>;

/** One file to split, rows to split, or two files that are split already; and a list of the items' titles, where these stand in a file of their own. */
export type Source = ({ data: FileLike } | { rows: RowSource } | { train: FileLike; test: FileLike }) & { titles?: FileLike | undefined };

/** An `AbortSignal`, as far as it is needed here. */
export interface Signal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** How far something is. */
export interface Progress {
  /** `read` for files; else the stage under way. */
  stage: Stage;
  /** `original`, `unlearned`, ...; null while files are read. */
  pipeline: string | null;
  /** Bytes that were read, or jobs of the stage that are done. */
  done: number;
  total: number;
  /** Of the stage, 0 to 1, with what was done of jobs that are not. */
  fraction: number;
}

/** For whoever waits. */
export interface Watch {
  /** Ends this one, whether it runs or waits, at its next step: its promise rejects with code `cancelled`, and everything is as before. */
  signal?: Signal;
  onProgress?: (progress: Progress) => void;
}

/** Rows to check receipts against: files, a generated sample, or those that are loaded, as they are now. */
export type VerifySource = Source | { sample: Size; seed?: number } | { loaded: true };

/** How to read: one choice for every file, or one for each of two. What is left out is found out, in each file by itself. */
export type ReadChoice = Partial<ReadConfig> | readonly [Partial<ReadConfig>, Partial<ReadConfig>];

/** A request; what is left out is empty. */
export type RequestPatch = Partial<Request>;

/** A row to add; value 1 and time 0 where they are left out. */
export type RowPatch = Pick<AddedRow, "user" | "item"> & Partial<AddedRow>;

/** Rows to add: as objects, or in a file that is read as `load` reads one. */
export type Rows = readonly RowPatch[] | FileLike;

/** Rows out and rows in, as one: rows are forgotten first. Without `mode` the partition is kept. */
export interface ChangePatch {
  forget?: RequestPatch;
  add?: Rows;
  mode?: Mode;
}

/** What a listener hears: the library's events, and what only this side knows. */
export type SessionEvent =
  | Event
  | {
    kind: "worker";
    worker: number;
    state: "idle" | "busy" | "lost" | "respawned";
    job?: { stage: Stage; pipeline: string; shard: number | null };
    error?: ErrorData;
  }
  | { kind: "error"; error: ErrorData }
  | { kind: "state"; running: boolean; paused: boolean };

export interface OpenOptions {
  /**
   * How many jobs run at a time: as many as the machine has processors, at most 16, where it is left out. 0: no workers at all, and
   * everything in the calling thread, which is given back between two steps. Results do not depend on it.
   */
  workers?: number;
  /**
   * Lets `session.kept` keep things in this browser between visits, under this name: encrypted, and beyond recovery once they
   * are purged. Without it nothing is kept.
   */
  keep?: string;
  /** The module `ultrare/module.wasm`, where it does not lie beside the client: its address, a response with it, its bytes, or compiled. */
  wasm?: WasmSource;
  /** The worker that holds the experiment, `ultrare/session.worker.js`, where it does not lie beside the client. */
  sessionWorker?: WorkerSource;
  /** The workers that run jobs, `ultrare/task.worker.js`, where they do not lie beside the client. */
  taskWorker?: WorkerSource;
}

type WebAssemblyModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer T } } } ? T : never;

/** A compiled module: `WebAssembly.Module`. */
export type WasmModule = [WebAssemblyModule] extends [never] ? object : WebAssemblyModule & object;

/** Where the module is. */
export type WasmSource = string | Global<"URL"> | ArrayBuffer | ArrayBufferView | WasmModule | Global<"Response"> | Promise<Global<"Response">>;

/** Where a worker is, an ES module; or a function that makes one each time it is called (in Node, of `node:worker_threads`). */
export type WorkerSource = string | Global<"URL"> | (() => Global<"Worker">);

/** The vectors of one shard's sub-model: the inner product of a user's and an item's is the score. */
export interface VectorsView {
  shard: number;
  /** Length of a vector. */
  factors: number;
  /** Ids of its users and items, ascending. */
  users: string[];
  items: string[];
  /** A vector for each of them, one after another. */
  user_vectors: Float32Array<ArrayBuffer>;
  item_vectors: Float32Array<ArrayBuffer>;
}

/** What is kept in this browser between visits. Where nothing can be kept every call rejects with `kept.unavailable`. */
export interface Kept extends Keyed {
  /**
   * Keeps the experiment as it is, and some bytes of the caller's beside it, in place of what was kept so under this key. The
   * experiment does not come to the caller's thread for that. It holds the rows of its moment: after somebody was forgotten, keep it
   * again or clear it. Rejects with `kept.large` if it has more than `most` bytes.
   */
  keepExperiment(key: string, beside: Uint8Array, most?: number): Promise<void>;
  /** What was kept beside an experiment; undefined if there is none that can be trusted. */
  beside(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Replaces the experiment by the one that was kept; undefined if there is none that can be trusted. */
  restoreExperiment(key: string): Promise<Snapshot | undefined>;
  /**
   * Purges also what the session keeps for itself and what closed tabs left. Resolves to how many other tabs are open: what is
   * theirs stays.
   */
  clearAll(): Promise<number>;
}

/** An experiment and the workers that carry it out. Every promise rejects with an `UltrareError`. */
export interface Session {
  /** Calls `listener` for everything that happens, until the returned function is called. */
  on(listener: (event: SessionEvent) => void): () => void;
  /** The first rows of a file and what its columns are taken for. Changes nothing. */
  preview(file: FileLike, read?: Partial<ReadConfig>): Promise<Preview>;
  /** Does a file list items with their titles, as `movies.csv`, `movies.dat` and `u.item` do? */
  listsTitles(file: FileLike): Promise<boolean>;
  /** Replaces the rows; what was there stays if the files cannot be used. */
  load(source: Source, read?: ReadChoice, watch?: Watch): Promise<DataView>;
  loadSample(size: Size, seed?: number): Promise<DataView>;
  /** The models, partitions and combiners that there are, with their knobs: names, ranges, defaults, and which combiner works with which model. */
  catalogue(): Promise<Catalogue>;
  /**
   * Changes the settings that are named and keeps the others. Another model, partition or combiner keeps the knobs that it has too;
   * one that it does not have is refused by name. Resolves to the stages whose results are now stale.
   */
  configure(config: DeepPartial<Settings>): Promise<Stage[]>;
  /**
   * Takes the shards of the `file` partition from lines of `user,shard`. Resolves to how many users they name and how many
   * shards they need; a build refuses an assignment that leaves out a user with training rows.
   */
  readAssignmentFile(file: FileLike): Promise<{ users: number; shards: number }>;
  /** Makes the next build begin from the rows, although nothing changed. */
  restart(): Promise<void>;
  /** Does the stages that are missing or stale, as far as `until`. */
  build(until?: Stage, watch?: Watch): Promise<Snapshot>;
  /** Users by rule: a random share, the most or the least active. */
  select(selection: Selection): Promise<string[]>;
  /** What a change would cost and leave behind, before anything changes. */
  plan(change: ChangePatch): Promise<Plan>;
  /** Rows out and rows in: trains again what they touch, as if the rows had always been these. */
  apply(change: ChangePatch, watch?: Watch): Promise<Snapshot>;
  /** `apply`, with nothing to add. */
  forget(request: RequestPatch, mode?: Mode, watch?: Watch): Promise<Snapshot>;
  /** A file's rows for `apply`, where it needs other reading settings than the usual, or is to be looked at first. */
  addedRows(file: FileLike, read?: Partial<ReadConfig>, watch?: Watch): Promise<AddedRow[]>;
  /** Changes one after another, each as if it were alone; `twin` compares with a twin after each. */
  sequence(sequence: Sequence, mode?: Mode, twin?: boolean, watch?: Watch): Promise<Snapshot>;
  /** Requests as people meet them, to choose from. */
  scenarios(): Promise<ScenarioCard[]>;
  /** The requests of such a story on the rows in force, for `bill` and `sequence`. */
  scenario(name: Scenario): Promise<Sequence>;
  /** What a sequence would cost and leave behind, request by request, before anything changes. */
  bill(sequence: Sequence, mode?: Mode): Promise<SequenceBill>;
  /** Reads a script of changes: a line each, such as `user,17`, `interaction,17,50` or `add,99,50`. Changes nothing. */
  parseSequence(script: string): Promise<Sequence>;
  /** The receipts of what was changed in these rows, the first first: JSON documents to keep or hand out. */
  receipts(): Promise<string[]>;
  /** What a receipt says, before it is checked. Rejects with the reason if it was changed, cut off, or is no receipt. */
  readReceipt(text: string): Promise<ReceiptView>;
  /**
   * Checks a chain of receipts, the first first, against rows as they were before the first of the changes or as they are
   * after the last, by training again. What is loaded plays no part unless it is asked for, and stays; a new session will do. Every comparison
   * that fails says where. Rejects if the receipts or the rows cannot be used at all.
   */
  verify(receipts: string[], source: VerifySource, read?: ReadChoice, watch?: Watch): Promise<Verdict>;
  /** Trains one model on all remaining rows. */
  compare(watch?: Watch): Promise<Snapshot>;
  /** The pipeline from the remaining rows, as if the forgotten had never been there; its digests tell what is exact. */
  twin(watch?: Watch): Promise<Snapshot>;
  /** What the ensemble is held against: SISA, RecEraser, popularity and chance, from the same rows. */
  baselines(watch?: Watch): Promise<Snapshot>;
  /** Takes the errors of every ensemble at hand apart: relevance, redundancy, combination loss. */
  decompose(watch?: Watch): Promise<Snapshot>;
  /** Accuracy against the cost of unlearning; what was measured before is kept. What is left out is as set. */
  sweep(config: Partial<SweepConfig>, watch?: Watch): Promise<Snapshot>;
  /** Any activity, also those without a method of their own. Queued if something else runs. */
  run(activity: Activity, watch?: Watch): Promise<Snapshot>;
  snapshot(): Promise<Snapshot>;
  users(): Promise<UsersView>;
  /**
   * The best items of a user, or of each of a list of users, most wanted first. Whoever is unknown, or has no training rows, gets
   * what is popular, and the list says so (`basis`). A number is how many items at most; 20 where nothing is said. The first
   * question after a change reads the ensemble back (as long as it takes to copy its weights), the others take microseconds to
   * milliseconds each.
   */
  recommend(user: Id, query?: number | Partial<Query>): Promise<List>;
  recommend(users: readonly Id[], query?: number | Partial<Query>): Promise<List[]>;
  /** The best items of a visitor who is in no row: items, or items with values. Nothing of it is kept. */
  recommendFor(rows: readonly Visited[], query?: number | Partial<Query>): Promise<List>;
  /** What goes with an item. */
  similar(item: Id, query?: number | Partial<Query>): Promise<List>;
  /** Which rows of a user, or of a visitor, lead to an item, and how much each adds: exact where scores are sums over rows, an error elsewhere. */
  explain(who: Id | readonly Visited[], item: Id): Promise<Explanation>;
  person(id: string): Promise<PersonView>;
  /** What each shard says about the top of a person's list. */
  opinions(id: string): Promise<OpinionsView>;
  /** Who is in which shard. */
  assignment(): Promise<AssignmentView>;
  /** The vectors of a shard's sub-model, for models whose scores are inner products. */
  vectors(shard: number): Promise<VectorsView>;
  /** What became of each file that was read: columns, rejected rows, duplicates. Empty for the sample. */
  report(): Promise<ReadReport[]>;
  /** The experiment as a file. */
  save(): Promise<Uint8Array>;
  restore(bytes: Uint8Array): Promise<Snapshot>;
  /** Bytes by name that survive a reload, if the session was opened with `keep`. Each tab has its own. */
  readonly kept: Kept;
  pause(): void;
  resume(): void;
  /** While paused: one step of every job under way. */
  step(): void;
  /** Slow motion; null is full speed. */
  setSpeed(stepsPerSecond: number | null): void;
  /** Ends what is under way or queued, at the next step; their promises reject with code `cancelled`. */
  cancel(): Promise<void>;
  readonly workers: number;
  readonly running: boolean;
  readonly paused: boolean;
  /** Makes a worker panic, as a defect would: it is replaced and its job runs again. For tests and demonstrations. */
  crashWorker(): void;
  /** Ends the workers. Whoever waits is told that it was cancelled. */
  close(): void;
  /** `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
