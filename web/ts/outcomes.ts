import { release } from "./transfer.js";
import type { JobOut } from "./types.js";
import type { Keyed } from "./vault.js";

/** The pipelines that serve. What is trained only to be compared or checked is not kept: it may hold rows that were forgotten. */
const SERVING: readonly string[] = ["original", "unlearned"];

/** What is needed of an experiment. */
export interface Remembering {
  recall(key: string, outcome: Uint8Array): void;
  keys(): string[];
}

/**
 * Keeps the outcomes of jobs in the browser as they come, so that a page that is closed in the middle of a run does not do them
 * twice. What cannot be kept is computed again: only a purge that fails is an error.
 */
export class Outcomes {
  private readonly area: Promise<Keyed | undefined>;
  private readonly known = new Map<number, JobOut>();
  private recalled = false;
  private full = false;

  constructor(area: Promise<Keyed>) {
    this.area = area.catch(() => undefined); // nothing can be kept here
  }

  /** Jobs that are handed out now. */
  note(jobs: readonly JobOut[]): void {
    for (const job of jobs) this.known.set(job.id, job);
  }

  /** Begins to write an outcome; nobody waits for it, and nobody else has it. */
  put(id: number, outcome: Uint8Array): void {
    const job = this.known.get(id);
    this.known.delete(id);
    if (!job || this.full || !SERVING.includes(job.pipeline)) return release(outcome);
    this.area.then((area) => area?.put(job.key, outcome)).catch(() => { this.full = true; }).finally(() => release(outcome));
  }

  /** Gives the experiment what an earlier page left, once: later rows are other rows. */
  async recall(experiment: Remembering): Promise<void> {
    if (this.recalled) return this.retain(experiment);
    this.recalled = true;
    const area = await this.area;
    const held = new Set(experiment.keys());
    for (const key of (await area?.keys()) ?? []) {
      if (held.has(key)) continue;
      const outcome = await area!.get(key);
      if (outcome) experiment.recall(key, outcome);
    }
  }

  /** Purges what the experiment does not hold: beyond recovery when this resolves. */
  async retain(experiment: Remembering): Promise<void> {
    const keys = experiment.keys();
    await (await this.area)?.retain(keys);
  }
}
