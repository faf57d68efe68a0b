import { UltrareError, cancelled, flatten } from "./errors.js";
import type { Finished, JobRunner } from "./runner.js";
import type { StoreAccess } from "./protocol.js";
import type { Turn } from "./store.js";
import type { Event, JobOut, Progress, SessionEvent, Verdict, Watch } from "./types.js";

/** Somebody who waits for the end of an activity. */
interface Begun {
  resolve(): void;
  reject(error: unknown): void;
  onProgress: Watch["onProgress"];
}

/** How an activity ended: without an error, or with its own. */
type End = { ticket: number; error?: UltrareError };

/** Whoever is told what happens. */
interface Listening {
  emit(event: SessionEvent): void;
  state(): void;
}

/**
 * What was asked for and has not ended. Brings the store, which knows what has to be done, and the runner, which does it,
 * together; every activity has a ticket, and ends or is dropped by it alone.
 */
export class Activities {
  private readonly begun = new Map<number, Begun>();
  private readonly early = new Map<number, End>(); // ends that were told before the ticket was
  private readonly verdicts = new Map<number, Verdict>();
  /** Jobs that are out, by their ids: whose they are, and how far. */
  private readonly out = new Map<number, { ticket: number; progress: number }>();
  private readonly dropped = new Set<number>();
  /** The stage under way. */
  private stage: (Omit<Progress, "fraction"> & { ticket: number }) | undefined;
  private epoch = 0; // counts cancellations: what belongs to an earlier one is dropped
  private ending: Promise<unknown> = Promise.resolve(); // a cancellation under way: what is asked meanwhile comes after it
  private store!: StoreAccess;
  private runner!: JobRunner;

  constructor(private readonly listening: Listening) {}

  attach(store: StoreAccess, runner: JobRunner): void {
    [this.store, this.runner] = [store, runner];
  }

  get running(): boolean {
    return this.begun.size > 0;
  }

  /** Asks the store for something and resolves when its ticket has ended; to what was found, where receipts were checked. */
  async run(ask: () => Promise<number>, { signal, onProgress }: Watch = {}): Promise<Verdict | undefined> {
    await this.ending;
    if (signal?.aborted) throw cancelled();
    const { epoch } = this;
    const ticket = await ask();
    if (epoch !== this.epoch) {
      void this.drop(ticket); // it was begun after everything was cancelled
      throw cancelled();
    }
    const abort = () => void this.drop(ticket);
    try {
      await new Promise<void>((resolve, reject) => {
        this.begun.set(ticket, { resolve, reject, onProgress });
        const end = this.early.get(ticket);
        this.early.delete(ticket);
        if (end) return this.finish(end);
        this.listening.state();
        if (signal?.aborted) return abort();
        signal?.addEventListener("abort", abort);
        this.guard(epoch, this.pump(epoch));
      });
      return this.verdicts.get(ticket);
    } finally {
      signal?.removeEventListener("abort", abort);
      this.verdicts.delete(ticket);
    }
  }

  /** From the runner: how far a job is. */
  progress({ id }: JobOut, progress: number): void {
    const out = this.out.get(id);
    if (!out) return;
    out.progress = progress;
    if (this.stage?.ticket === out.ticket) this.tell();
  }

  /** Ends everything under way; whoever waits is told why. */
  abandon(reason: unknown): Promise<void> {
    const ended = this.end(reason);
    this.ending = Promise.allSettled([this.ending, ended]);
    return ended;
  }

  private async end(reason: unknown): Promise<void> {
    this.epoch += 1;
    const waiting = this.forgotten();
    const error = reason instanceof UltrareError ? reason : new UltrareError(flatten(reason));
    try {
      await this.runner.cancel();
      await this.store.call("cancel");
    } finally {
      if (error.code !== "cancelled") this.listening.emit({ kind: "error", error: flatten(error) });
      for (const begun of waiting) begun.reject(error);
      this.listening.state();
    }
  }

  close(): void {
    this.epoch += 1;
    for (const begun of this.forgotten()) begun.reject(cancelled());
  }

  /** Ends one activity, whether it runs or waits; the others go on. */
  private async drop(ticket: number): Promise<void> {
    const { epoch } = this;
    this.dropped.add(ticket); // results that are on their way are not looked at
    const ids = new Set([...this.out].filter(([, job]) => job.ticket === ticket).map(([id]) => id));
    try {
      const turn = await this.store.call("drop", ticket, this.runner.size);
      if (epoch !== this.epoch) return;
      this.take(epoch, turn);
      await this.runner.cancel(ids);
      if (epoch === this.epoch) this.finish({ ticket, error: cancelled() });
    } catch (error) {
      if (epoch === this.epoch) await this.abandon(error).catch(() => {}); // whoever waits was told
    }
  }

  /** Hands out what is ready and takes in what is done, until nothing is left. */
  private async pump(epoch: number, done?: { job: JobOut; finished: Finished }): Promise<void> {
    if (epoch !== this.epoch) return;
    if (!done) return this.take(epoch, await this.store.call("jobs", this.runner.size));
    const { job, finished } = done;
    const ticket = this.out.get(job.id)?.ticket;
    this.out.delete(job.id);
    if (ticket === undefined || this.dropped.has(ticket)) return;
    try {
      this.take(epoch, await this.store.call("accept", job.id, finished.result, finished.seconds, this.runner.size));
    } catch (error) {
      if (!this.dropped.has(ticket)) throw error; // else it was dropped before this came
    }
  }

  private take(epoch: number, { jobs, events, ticket }: Turn): void {
    if (epoch !== this.epoch) return;
    for (const job of this.dropped.has(ticket) ? [] : jobs) {
      this.out.set(job.id, { ticket, progress: 0 });
      const finished = this.runner.run(job, (digest) => this.store.call("blob", digest));
      this.guard(epoch, finished.then((finished) => this.pump(epoch, { job, finished }), (error) => {
        this.out.delete(job.id);
        if (!this.dropped.has(ticket)) throw error;
      }));
    }
    events.forEach((event, at) => {
      // What is told before an end belongs to it; what comes after the last of them, to what runs now.
      const end = events.slice(at).find(({ kind }) => kind === "finished" || kind === "refused") as { ticket: number } | undefined;
      this.hear(event, end?.ticket ?? ticket);
    });
  }

  /** An error that nobody else hears ends everything. */
  private guard(epoch: number, work: Promise<void>): void {
    work.catch((error) => { if (epoch === this.epoch) return this.abandon(error); }).catch(() => {}); // whoever waits was told
  }

  /** Tells everybody, and whoever waited for what this event ends. */
  private hear(event: Event, ticket: number): void {
    this.listening.emit(event);
    if (event.kind === "stage") {
      const { stage, pipeline, done, total } = event;
      this.stage = { ticket, stage, pipeline, done, total };
      this.tell();
    }
    if (event.kind === "verified" && this.begun.has(ticket)) this.verdicts.set(ticket, event.verdict);
    if (event.kind === "finished") this.finish({ ticket: event.ticket });
    if (event.kind === "refused") this.finish({ ticket: event.ticket, error: new UltrareError(event) });
  }

  private tell(): void {
    if (!this.stage) return;
    const { ticket, ...stage } = this.stage;
    const onProgress = this.begun.get(ticket)?.onProgress;
    if (!onProgress) return;
    let done = stage.done;
    for (const job of this.out.values()) if (job.ticket === ticket) done += job.progress;
    onProgress({ ...stage, fraction: stage.total > 0 ? Math.min(1, done / stage.total) : 0 });
  }

  private finish(end: End): void {
    const begun = this.begun.get(end.ticket);
    if (!begun) return void (this.dropped.has(end.ticket) || this.early.set(end.ticket, end));
    this.begun.delete(end.ticket);
    if (end.error) begun.reject(end.error);
    else begun.resolve();
    this.listening.state();
  }

  private forgotten(): Begun[] {
    const waiting = [...this.begun.values()];
    for (const known of [this.begun, this.early, this.verdicts, this.out, this.dropped]) known.clear();
    this.stage = undefined;
    return waiting;
  }
}
