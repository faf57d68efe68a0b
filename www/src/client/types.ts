/** The data that crosses from the library to the page, as the contract names it. */
export type Stage = "read" | "split" | "embed" | "partition" | "train" | "combine" | "evaluate";
export type PhaseDone = "empty" | "data" | "divided" | "trained" | "compared";
export type Arm = "original" | "unlearned" | "retrained" | (string & {});
export type Size = "small" | "medium" | "large";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Config = { seed: number; [section: string]: Json };

export interface DataView {
  users: number; items: number; train_rows: number; validation_rows: number; test_rows: number;
  users_without_train: number; rejected: Record<string, number>;
}
export interface PartitionView {
  method: string; shards: number; users_per_shard: number[]; rows_per_shard: number[]; capacity: number;
  within_ss: number; iterations: number; seconds: number;
}
export interface ShardView {
  shard: number; users: number; rows: number; items: number; epochs: number; stop?: string | null; seconds: number;
  touched: boolean; digest?: string | null; digest_before?: string | null;
}
export interface Interval { mean: number; low: number; high: number }
export interface ResultView {
  metrics: Record<string, Interval>; users: number; users_without_test: number; seconds: number; shards_trained: number;
  combiner: string;
}
export interface ForgetView { protocol: string; users: number; rows: number; touched_shards: number[]; unknown: string[] }
type MaybeDigest = string | null | undefined;
export interface DigestsView {
  split?: MaybeDigest; split_after?: MaybeDigest; partition?: MaybeDigest; partition_after?: MaybeDigest;
  shards_before: MaybeDigest[]; shards_after: MaybeDigest[]; ensemble_before?: MaybeDigest; ensemble_after?: MaybeDigest;
  retrained?: MaybeDigest;
}
export type Seconds = Record<Exclude<Stage, "split"> | "unlearn" | "retrain", number>;
export interface Snapshot {
  version: string; phase: PhaseDone; config: Config; data?: DataView | null; partition?: PartitionView | null;
  shards: ShardView[]; results: Partial<Record<Arm, ResultView>>; forget?: ForgetView | null; digests: DigestsView;
  seconds: Seconds; notes: string[];
}
export interface UsersView { ids: string[]; train_rows: number[]; handles: number[]; shard_of: number[] }
export interface ForgetRequest { users: string[]; items: string[]; interactions: [string, string][]; confirmed?: boolean }
export interface Selection { how: "random" | "core" | "edge"; percent: number }
export interface Plan {
  users: number; rows: number; unknown_users: string[]; unknown_items: string[];
  touched: { shard: number; users: number; rows: number; rows_after: number }[]; untouched: number[];
  seconds: number | null; full_seconds: number | null;
  everything?: boolean; warnings: { code: string; message: string; confirm?: boolean }[]; taints: { stage: string; message: string }[];
}
export interface ItemView { item: string; title: string; value: number; test: boolean }
export interface PersonView { id: string; shards: number[]; rows: ItemView[]; lists: Partial<Record<Arm, ItemView[]>> }
export type Role = "user" | "item" | "rating" | "time";
export type Delimiter = "comma" | "semicolon" | "tab" | "pipe" | "double_colon";
export interface Column { name: string; role?: Role | null }
export interface Preview { delimiter: Delimiter; has_header: boolean; columns: Column[]; rows: string[][]; problem?: string | null }
export type ColumnChoice = "auto" | "none" | { column: number };
export interface ReadConfig {
  delimiter?: Delimiter | null; header?: boolean | null; user?: ColumnChoice; item?: ColumnChoice; rating?: ColumnChoice;
  time?: ColumnChoice; positive?: number | null; k_core?: number;
}
export interface Rejection { line: number; column?: string | null; value: string; reason: string; message: string }
export interface ReadReport {
  source: string; delimiter: Delimiter; has_header: boolean; columns: Column[]; rows_read: number; rejected: Record<string, number>;
  first_rejections: Rejection[]; duplicates: number; filtered: { below_threshold: number; k_core: number }; unreadable_times: number;
  summary: { popularity: number[]; top_tenth_share: number };
}

export type ClusterEvent = {
  kind: "cluster"; restart: number; iteration: number; objective: number; moves: number;
  users_per_shard: number[]; rows_per_shard: number[]; shard_of: Uint8Array; centroids_xy: number[];
  epsilon?: number | null; residual?: number | null;
};
export type EpochEvent = {
  kind: "epoch"; arm: Arm; shard: number; epoch: number; loss: number; metric?: number | null; refit: boolean; updates: number;
};
export type SessionEvent =
  | { kind: "embedding"; sweep: number; loss: number }
  | { kind: "positions"; handles: Uint8Array; xy: Uint8Array }
  | ClusterEvent
  | { kind: "divided"; partition: PartitionView }
  | EpochEvent
  | { kind: "trained"; arm: Arm; shard: ShardView }
  | { kind: "evaluated"; arm: Arm; result: ResultView }
  | { kind: "stage"; arm: Arm; stage: Stage; done: number; total: number }
  | { kind: "note"; arm: Arm; message: string }
  | { kind: "finished"; activity: string }
  | { kind: "worker"; worker: number; state: "idle" | "busy" | "lost" | "respawned"; job?: { stage: Stage; shard: number | null } }
  | { kind: "error"; error: SessionError }
  | { kind: "state"; running: boolean; paused: boolean };

export interface SessionError { name: string; code: string; message: string; details?: unknown }

export interface Session {
  on(listener: (event: SessionEvent) => void): () => void;
  preview(file: Blob, read?: ReadConfig): Promise<Preview>;
  load(
    input: { data: Blob } | { train: Blob; test: Blob }, read?: ReadConfig,
    onProgress?: (bytes: number, total: number) => void,
  ): Promise<DataView>;
  loadSample(size: Size, seed?: number): Promise<DataView>;
  configure(config: Partial<Config>): Promise<Stage[]>;
  build(until?: Stage): Promise<Snapshot>;
  select(selection: Selection): Promise<string[]>;
  plan(request: ForgetRequest): Promise<Plan>;
  forget(request: ForgetRequest): Promise<Snapshot>;
  compare(): Promise<Snapshot>;
  snapshot(): Promise<Snapshot>;
  users(): Promise<UsersView>;
  person(id: string): Promise<PersonView>;
  pause(): void;
  resume(): void;
  step(): void;
  setSpeed(stepsPerSecond: number | null): void;
  cancel(): Promise<void>;
  report(): Promise<ReadReport[]>;
  save(): Promise<Uint8Array>;
  restore(bytes: Uint8Array): Promise<Snapshot>;
  readonly workers: number;
  readonly running: boolean;
  readonly paused: boolean;
  close(): void;
}
