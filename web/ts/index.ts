import { typed, workersAsked } from "./errors.js";
import { Pool } from "./pool.js";
import type { SessionMessage, SessionRequest, TaskMessage, TaskRequest } from "./protocol.js";
import { Living } from "./pulse.js";
import { RemoteStore, type Keeping } from "./remote.js";
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
function taskWorker(): Living<TaskRequest, TaskMessage> {
  return new Living(new Worker(new URL("./task.worker.js", import.meta.url), { type: "module" }));
}

function sessionWorker(): Living<SessionRequest, SessionMessage> {
  return new Living(new Worker(new URL("./session.worker.js", import.meta.url), { type: "module" }));
}

/** A tab that loads again takes over what it kept itself: which place that was lasts as long as the tab. */
function keeping(base: string | undefined): Keeping | undefined {
  if (base === undefined) return undefined;
  const item = `${base}.tab`;
  try {
    return { base, tab: sessionStorage.getItem(item) ?? undefined, took: (tab) => sessionStorage.setItem(item, tab) };
  } catch {
    return { base, took: () => {} }; // opened in a worker, or storage is refused
  }
}

/** Opens a session: a worker for the experiment and a pool for its jobs. Everything stays on this machine. */
export async function open(options: OpenOptions = {}): Promise<Session> {
  const front = new SessionFront();
  try {
    const workers = workersAsked(options.workers, Math.min(navigator.hardwareConcurrency || 2, 16));
    compiled ??= compile();
    compiled.catch(() => (compiled = undefined));
    const module = await compiled;
    const store = new RemoteStore(sessionWorker, module, (progress) => front.reading(progress), (error) => front.lost(error), keeping(options.keep));
    front.attach(store, new Pool(workers, taskWorker, module, front));
    await store.started();
    return front;
  } catch (thrown) {
    front.close();
    throw typed(thrown, "open.failed");
  }
}
