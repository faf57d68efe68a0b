/** The library's own types, generated from the Rust types, and the few that only exist on this side. */
import type { ErrorData } from "./errors.js";
import type { Keyed } from "./vault.js";
import type {
  Activity, AddedRow, DataView, Mode, OpinionsView, Notice as Event, PersonView, Plan, Preview, ReadConfig, ReadReport, ReceiptView, Request,
  Selection, Sequence, Settings, Size, Snapshot, Stage, SweepConfig, UsersView, Verdict,
} from "./wasm/ultrare_web.js";

export type { Keyed } from "./vault.js";
export type {
  Activity, AddedRow, Alike, ArchiveEntry, Change, ChangeView, Column, ColumnChoice, Confidence, DataView, Delimiter, Encoding, Event as PipelineEvent, JobOut, Mode, Note, Notice as Event,
  OpinionView, OpinionsView, PersonView, Plan, Preview, ReadConfig, ReadReport, ReceiptView, Rejection, Request, ResultView, Selection, Sequence, SequenceStep, SequenceView, Settings, Shape,
  ShardView, Size, SizeEstimate, Snapshot, Stage, StepOut, SweepConfig, SweepPoint, SweepView, UserSample, UsersView, Verdict,
} from "./wasm/ultrare_web.js";

/** Any part of a value; lists are given as a whole. */
export type DeepPartial<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: DeepPartial<T[K]> } : T;

/** A file, or its text or bytes. */
export type FileLike = Blob | string | ArrayBuffer | ArrayBufferView;

/** One file to split, or two that are split already. */
export type Source = { data: FileLike } | { train: FileLike; test: FileLike };

/** Rows to check receipts against: files, or a generated sample. */
export type VerifySource = Source | { sample: Size; seed?: number };

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
  /** How many jobs run at a time; as many as the machine has processors. Results do not depend on it. */
  workers?: number;
  /**
   * Lets `session.kept` keep things in this browser between visits, under this name: encrypted, and beyond recovery once they
   * are purged. Without it nothing is kept.
   */
  keep?: string;
}

/** What is kept in this browser between visits. Where nothing can be kept every call rejects with `kept.unavailable`. */
export interface Kept extends Keyed {
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
  /** Replaces the rows; what was there stays if the files cannot be used. */
  load(source: Source, read?: ReadChoice, onProgress?: (bytes: number, total: number) => void): Promise<DataView>;
  loadSample(size: Size, seed?: number): Promise<DataView>;
  /** Changes the settings that are named and keeps the others. Resolves to the stages whose results are now stale. */
  configure(config: DeepPartial<Settings>): Promise<Stage[]>;
  /**
   * Takes the shards of the `file` partition from lines of `user,shard`. Resolves to how many users they name and how many
   * shards they need; a build refuses an assignment that leaves out a user with training rows.
   */
  readAssignmentFile(file: FileLike): Promise<{ users: number; shards: number }>;
  /** Makes the next build begin from the rows, although nothing changed. */
  restart(): Promise<void>;
  /** Does the stages that are missing or stale, as far as `until`. */
  build(until?: Stage): Promise<Snapshot>;
  /** Users by rule: a random share, the most or the least active. */
  select(selection: Selection): Promise<string[]>;
  /** What a change would cost and leave behind, before anything changes. */
  plan(change: ChangePatch): Promise<Plan>;
  /** Rows out and rows in: trains again what they touch, as if the rows had always been these. */
  apply(change: ChangePatch): Promise<Snapshot>;
  /** `apply`, with nothing to add. */
  forget(request: RequestPatch, mode?: Mode): Promise<Snapshot>;
  /** A file's rows for `apply`, where it needs other reading settings than the usual, or is to be looked at first. */
  addedRows(file: FileLike, read?: Partial<ReadConfig>): Promise<AddedRow[]>;
  /** Changes one after another, each as if it were alone; `twin` compares with a twin after each. */
  sequence(sequence: Sequence, mode?: Mode, twin?: boolean): Promise<Snapshot>;
  /** Reads a script of changes: a line each, such as `user,17`, `interaction,17,50` or `add,99,50`. Changes nothing. */
  parseSequence(script: string): Promise<Sequence>;
  /** The receipts of what was changed in these rows, the first first: JSON documents to keep or hand out. */
  receipts(): Promise<string[]>;
  /** What a receipt says, before it is checked. Rejects with the reason if it was changed, cut off, or is no receipt. */
  readReceipt(text: string): Promise<ReceiptView>;
  /**
   * Checks a chain of receipts, the first first, against rows as they were before the first of the changes or as they are
   * after the last, by training again. What is loaded plays no part and stays; a new session will do. Every comparison
   * that fails says where. Rejects if the receipts or the rows cannot be used at all.
   */
  verify(receipts: string[], source: VerifySource, read?: ReadChoice): Promise<Verdict>;
  /** Trains one model on all remaining rows. */
  compare(): Promise<Snapshot>;
  /** The pipeline from the remaining rows, as if the forgotten had never been there; its digests tell what is exact. */
  twin(): Promise<Snapshot>;
  /** What the ensemble is held against: SISA, RecEraser, popularity and chance, from the same rows. */
  baselines(): Promise<Snapshot>;
  /** Takes the errors of every ensemble at hand apart: relevance, redundancy, combination loss. */
  decompose(): Promise<Snapshot>;
  /** Accuracy against the cost of unlearning; what was measured before is kept. What is left out is as set. */
  sweep(config: Partial<SweepConfig>): Promise<Snapshot>;
  /** Any activity, also those without a method of their own. Queued if something else runs. */
  run(activity: Activity): Promise<Snapshot>;
  snapshot(): Promise<Snapshot>;
  users(): Promise<UsersView>;
  person(id: string): Promise<PersonView>;
  /** What each shard says about the top of a person's list. */
  opinions(id: string): Promise<OpinionsView>;
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
}
