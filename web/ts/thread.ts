import type { Worker } from "node:worker_threads";

/** Answered by one message each. */
const ASKED = new Set(["start", "run", "call", "kept"]);
const ANSWERS = new Set(["ready", "unable", "lacking", "done", "cancelled", "failed", "answer", "refusal"]);

/**
 * A thread of Node with the face of a browser's worker. It keeps the process alive only while an answer is waited for, so that a
 * program ends by itself, whether its session was closed or forgotten.
 */
export class Thread<Request extends { kind: string }, Message extends { kind: string }> {
  onmessage: ((event: MessageEvent<Message>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  onend: (() => void) | null = null;
  private waited = 0;

  constructor(private readonly worker: Worker) {
    worker.unref();
    worker.on("message", (data: Message) => {
      if (ANSWERS.has(data.kind)) this.count(-1);
      this.onmessage?.({ data } as MessageEvent<Message>);
    });
    worker.on("error", (error) => this.onerror?.({ message: error instanceof Error ? error.message : String(error) } as ErrorEvent));
    worker.on("exit", () => this.onend?.());
  }

  postMessage(message: Request, transfer: Transferable[] = []): void {
    this.worker.postMessage(message, transfer as ArrayBuffer[]);
    if (ASKED.has(message.kind)) this.count(1);
  }

  terminate(): void {
    this.onmessage = this.onerror = this.onend = null;
    this.worker.removeAllListeners();
    this.worker.on("error", () => {}); // of what it was doing; nobody waits for it
    void this.worker.terminate();
  }

  private count(change: number): void {
    this.waited = Math.max(0, this.waited + change);
    if (this.waited > 0) this.worker.ref();
    else this.worker.unref();
  }
}
