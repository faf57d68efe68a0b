import { chunks } from "./chunks.js";
import { UltrareError, WORKERS, closed, isFatal, unpostable, type ErrorData } from "./errors.js";
import type { KeptArguments, KeptMethod, KeptResult, SessionMessage, SessionRequest, StoreAccess, StoreArguments, StoreMethod, StoreResult } from "./protocol.js";
import type { Reading } from "./store.js";
import { buffers } from "./transfer.js";

/** What is needed of the session worker. */
export interface SessionWorkerLike {
  postMessage(message: SessionRequest, transfer?: Transferable[]): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<SessionMessage>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  /** It ended by itself and nothing more will be heard of it. */
  onend: (() => void) | null;
}

/** Where things are kept: under a name, in the place this tab had before, if it had one; `took` hears which it has now. */
export interface Keeping {
  base: string;
  tab?: string | undefined;
  took(tab: string): void;
}

/** A tab that loads again takes over what it kept itself: which place that was lasts as long as the tab. */
export function tabKeeping(base: string): Keeping {
  const item = `${base}.tab`;
  try {
    return { base, tab: sessionStorage.getItem(item) ?? undefined, took: (tab) => sessionStorage.setItem(item, tab) };
  } catch {
    return { base, took: () => {} }; // opened in a worker, or storage is refused
  }
}

/** How long the session's worker may take until it can be asked. */
const START = 60_000;

interface Asked {
  resolve(value: never): void;
  reject(error: UltrareError): void;
}

/** The store in the session worker. If that worker traps, a new one takes its place: empty, but alive. */
export class RemoteStore implements StoreAccess {
  private worker!: SessionWorkerLike;
  private ready!: Promise<void>;
  private asked = new Map<number, Asked>();
  private next = 0;
  private deaths = 0;
  private ended: UltrareError | undefined;
  private late: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly spawn: () => SessionWorkerLike,
    private readonly module: WebAssembly.Module,
    private readonly onProgress: (progress: Reading) => void,
    private readonly onLost: (error: UltrareError) => void = () => {},
    private readonly keeping?: Keeping,
  ) {
    this.fill();
  }

  /** Resolves when the worker can be asked; rejects if it cannot be started. */
  started(): Promise<void> {
    return this.ready;
  }

  call<M extends StoreMethod>(method: M, ...args: StoreArguments<M>): Promise<StoreResult<M>> {
    return this.ask("call", method, args);
  }

  kept<M extends KeptMethod>(method: M, ...args: KeptArguments<M>): Promise<KeptResult<M>> {
    return this.ask("kept", method, args);
  }

  private async ask<T>(kind: "call" | "kept", method: string, args: readonly unknown[]): Promise<T> {
    await this.ready;
    try {
      return await this.post(kind, method, args);
    } catch (thrown) {
      if (!(thrown instanceof DOMException) && !(thrown instanceof TypeError)) throw thrown;
      // Node cannot hand a file that lies on the disk to a thread: its bytes can go.
      const copied = await Promise.all(args.map(inMemory));
      if (copied.every((arg, at) => arg === args[at])) throw unpostable(thrown);
      return this.post<T>(kind, method, copied).catch((again: unknown) => { throw again instanceof UltrareError ? again : unpostable(again); });
    }
  }

  /** Rejects with what posting throws, or with what the worker refuses. */
  private async post<T>(kind: "call" | "kept", method: string, args: readonly unknown[]): Promise<T> {
    if (this.ended) throw this.ended;
    return new Promise<T>((resolve, reject) => {
      const id = this.next++;
      this.asked.set(id, { resolve: resolve as (value: never) => void, reject });
      try {
        // An outcome is nobody's but the session's; what a caller gave stays the caller's.
        this.worker.postMessage({ kind, id, method, args } as SessionRequest, method === "accept" ? buffers(args) : []);
      } catch (thrown) { // what cannot be posted
        this.asked.delete(id);
        reject(thrown);
      }
    });
  }

  close(): void {
    this.ended = closed();
    this.drop(this.ended);
  }

  private fill(): void {
    const worker = (this.worker = this.spawn());
    this.ready = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => {
        if (data.kind === "ready") {
          clearTimeout(this.late);
          this.deaths = 0;
          resolve();
        } else if (data.kind === "unable") dead(data.error.message);
        else if (data.kind === "tab") this.took(data.tab);
        else if (data.kind === "progress") this.onProgress(data.progress);
        else if (data.kind === "refusal" && isFatal(data.error)) this.die(data.error);
        else this.answer(data);
      };
      const dead = (message: string) => {
        const error = { name: "Error", code: "trap", message };
        reject(new UltrareError({ ...error, code: "worker.start", message: `Workers cannot be started here: ${message}. ${WORKERS}` }));
        this.die(error);
      };
      worker.onerror = (event) => {
        event.preventDefault?.();
        dead(event.message || "the session's worker could not be loaded");
      };
      worker.onend = () => dead("the session's worker ended without a word");
      this.late = setTimeout(() => dead("the session's worker did not answer"), START);
    });
    this.ready.catch(() => {}); // whoever calls next hears of it
    const keep = this.keeping && { base: this.keeping.base, ...(this.keeping.tab === undefined ? {} : { tab: this.keeping.tab }) };
    worker.postMessage({ kind: "start", role: "session", module: this.module, ...(keep && { keep }) });
  }

  /** A worker in the place of this one takes over what it kept. */
  private took(tab: string): void {
    if (this.keeping) this.keeping.tab = tab;
    this.keeping?.took(tab);
  }

  private answer(message: Exclude<SessionMessage, { kind: "ready" | "unable" | "tab" | "progress" }>): void {
    const asked = this.asked.get(message.id);
    this.asked.delete(message.id);
    if (message.kind === "answer") asked?.resolve(message.value as never);
    else asked?.reject(new UltrareError(message.error));
  }

  private die(error: ErrorData): void {
    const message = `The experiment was lost to a defect and starts empty again; restore a saved one to go on. ${error.message}`;
    const lost = new UltrareError({ code: "session.lost", message, details: error });
    this.drop(lost);
    if (++this.deaths < 3) this.fill();
    this.onLost(lost);
  }

  private drop(reason: UltrareError): void {
    clearTimeout(this.late);
    this.worker.onmessage = this.worker.onerror = this.worker.onend = null;
    this.worker.terminate();
    for (const asked of this.asked.values()) asked.reject(reason);
    this.asked.clear();
  }
}

/** A file, or an object with files, with their bytes in memory; anything else as it is. */
async function inMemory(arg: unknown): Promise<unknown> {
  if (arg instanceof Blob) {
    const parts: Blob[] = [];
    for await (const chunk of chunks(arg)) parts.push(new Blob([chunk]));
    return new Blob(parts);
  }
  if (typeof arg !== "object" || arg === null || !Object.values(arg).some((part) => part instanceof Blob)) return arg;
  return Object.fromEntries(await Promise.all(Object.entries(arg).map(async ([name, part]) => [name, await inMemory(part)])));
}
