import { UltrareError, type ErrorData } from "./errors.js";
import type { Control } from "./gate.js";
import type { PipelineEvent, JobOut } from "./types.js";

/** A job's outcome, and its computing time without pauses. */
export interface Finished {
  result: Uint8Array<ArrayBuffer>;
  seconds: number;
}

/** Where a runner gets an input by its digest: a copy that it may move to a worker. */
export type BlobSource = (digest: string) => Uint8Array | Promise<Uint8Array>;

/** Hears what happens while jobs run. */
export interface Watcher {
  progress(job: JobOut, progress: number, events: PipelineEvent[]): void;
  worker(worker: number, state: "idle" | "busy" | "lost" | "respawned", job?: JobOut, error?: ErrorData): void;
  /** Nothing can be run any more. */
  failed(error: UltrareError): void;
}

/** Runs jobs somewhere. */
export interface JobRunner {
  /** How many at a time. */
  readonly size: number;
  /** `blob` is asked for inputs that a worker lacks; a job without inputs needs none. */
  run(job: JobOut, blob?: BlobSource): Promise<Finished>;
  control(message: Control): void;
  /** Ends these jobs, or all. */
  cancel(ids?: ReadonlySet<number>): Promise<void>;
  close(): void;
  /** Makes a worker panic, where there are workers. */
  crash?(): void;
}

/** For jobs that name inputs where nobody can give any. */
export const noBlobs: BlobSource = (digest) => {
  throw new UltrareError({ code: "job.inputs", message: `A job needs an input that nobody has: ${digest}.` });
};
