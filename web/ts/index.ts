import { Pool, type WorkerLike } from "./pool.js";
import { RemoteStore, type SessionWorkerLike } from "./remote.js";
import { SessionFront } from "./session.js";
import type { OpenOptions, Session } from "./types.js";

export { UltrareError, type ErrorData } from "./errors.js";
export type * from "./types.js";

/** One module for all workers of all sessions. */
let compiled: Promise<WebAssembly.Module> | undefined;

async function compile(): Promise<WebAssembly.Module> {
  const response = await fetch(new URL("./wasm/ultrare_web_bg.wasm", import.meta.url));
  if (!response.ok) throw new Error(`the wasm module could not be fetched: ${response.status} ${response.statusText}`);
  // Streaming refuses any other type than application/wasm, which not every static host sends.
  if (response.headers.get("content-type") === "application/wasm") return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

// The addresses below stay literal: bundlers find workers and the module by this very form.
function taskWorker(): WorkerLike {
  return new Worker(new URL("./task.worker.js", import.meta.url), { type: "module" }) as WorkerLike;
}

function sessionWorker(): SessionWorkerLike {
  return new Worker(new URL("./session.worker.js", import.meta.url), { type: "module" }) as SessionWorkerLike;
}

/** Opens a session: a worker for the experiment and a pool for its jobs. Everything stays on this machine. */
export async function open(options: OpenOptions = {}): Promise<Session> {
  compiled ??= compile();
  compiled.catch(() => (compiled = undefined));
  const module = await compiled;
  const workers = options.workers ?? Math.min(navigator.hardwareConcurrency || 2, 16);
  if (!Number.isInteger(workers) || workers < 1) throw new RangeError(`workers is a whole number above 0, not ${workers}`);
  const front = new SessionFront();
  const store = new RemoteStore(sessionWorker, module, (progress) => front.reading(progress));
  front.attach(store, new Pool(workers, taskWorker, module, front));
  await store.started();
  return front;
}
