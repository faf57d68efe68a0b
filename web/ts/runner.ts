import type { ErrorData, UltrareError } from "./errors.js";
import type { Control } from "./gate.js";
import type { Event, JobOut } from "./types.js";

/** A job's outcome, and its computing time without pauses. */
export interface Finished {
  result: Uint8Array<ArrayBuffer>;
  seconds: number;
}

/** Hears what happens while jobs run. */
export interface Watcher {
  progress(job: JobOut, progress: number, events: Event[]): void;
  worker(worker: number, state: "idle" | "busy" | "lost" | "respawned", job?: JobOut, error?: ErrorData): void;
  /** Nothing can be run any more. */
  failed(error: UltrareError): void;
}

/** Runs jobs somewhere. */
export interface Runner {
  /** How many at a time. */
  readonly size: number;
  run(job: JobOut): Promise<Finished>;
  control(message: Control): void;
  cancel(): Promise<void>;
  close(): void;
  /** Makes a worker panic, where there are workers. */
  crash?(): void;
}
