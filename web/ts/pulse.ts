/**
 * Notices the end of a worker that dies without an error event, as one does that the browser ends for want of memory or that
 * closes itself. A worker holds a lock for as long as it lives and the browser lets go of it for the dead; so a worker in the
 * middle of a long step is never taken for one, which no reply in time could tell. Where there are no locks (plain http),
 * only error events are heard.
 */
export function pulse(name: string | undefined): Promise<void> {
  const locks = globalThis.navigator?.locks;
  if (!name || !locks) return Promise.resolve();
  return new Promise((held) => {
    locks.request(name, () => {
      held();
      return new Promise<never>(() => {});
    }).catch(held); // refused: then the page is refused it too
  });
}

/** What is common to both kinds of workers, and to `Worker` itself. */
interface WorkerLike<Request, Message> {
  postMessage(message: Request, transfer?: Transferable[]): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<Message>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

let made = 0;

/**
 * A worker with an `onend` that is called when it ended by itself. Its `start` request is told the name of the lock to hold.
 */
export class Living<Request extends { kind: string }, Message extends { kind: string }> {
  onmessage: ((event: MessageEvent<Message>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  onend: (() => void) | null = null;
  private readonly name = `ultrare worker ${++made} ${Math.random()}`;
  private readonly terminated = new AbortController();

  constructor(private readonly worker: WorkerLike<Request, Message>) {
    worker.onmessage = (event) => {
      if (event.data.kind === "ready") this.watch();
      this.onmessage?.(event);
    };
    worker.onerror = (event) => this.onerror?.(event);
  }

  postMessage(message: Request, transfer: Transferable[] = []): void {
    this.worker.postMessage(message.kind === "start" ? { ...message, pulse: this.name } : message, transfer);
  }

  terminate(): void {
    this.terminated.abort();
    this.worker.onmessage = this.worker.onerror = null;
    this.worker.terminate();
  }

  private watch(): void {
    const { signal } = this.terminated;
    globalThis.navigator?.locks?.request(this.name, { signal }, () => { if (!signal.aborted) this.onend?.(); }).catch(() => {}); // terminated
  }
}
