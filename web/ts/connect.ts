import { UltrareError, workersAsked } from "./errors.js";
import { Pool, type WorkerLike } from "./pool.js";
import { RemoteStore, type Keeping, type SessionWorkerLike } from "./remote.js";
import { SessionFront } from "./session.js";
import type { OpenOptions, Session, WasmSource } from "./types.js";

/** What an entry point knows of its surroundings. */
export interface Surroundings {
  /** How many jobs run at a time where nobody says. */
  workers: number;
  /** The module, where `options.wasm` does not say. */
  module(): Promise<WebAssembly.Module>;
  /** The module at an address that was given. */
  fetch(address: string): Promise<WebAssembly.Module>;
  sessionWorker(): SessionWorkerLike;
  taskWorker(): WorkerLike;
  /** Everything in this thread. */
  inline(module: WebAssembly.Module): Session | Promise<Session>;
  keeping?(base: string): Keeping | undefined;
}

/** Opens a session: a worker for the experiment and a pool for its jobs, or everything in this thread. */
export async function connect(options: OpenOptions, here: Surroundings): Promise<Session> {
  if (typeof options !== "object" || options === null) {
    throw new UltrareError({ code: "open.options", message: `open takes { workers, keep, wasm, sessionWorker, taskWorker }, each of them if it is wanted, not ${String(options)}` });
  }
  const workers = workersAsked(options.workers, here.workers);
  const { keep } = options;
  if (keep !== undefined && (typeof keep !== "string" || keep === "")) {
    throw new UltrareError({ code: "open.keep", message: `keep is a name under which things are kept, such as "my-app", not ${JSON.stringify(keep)}` });
  }
  const module = options.wasm === undefined ? await here.module() : await compiled(await options.wasm, here);
  if (workers === 0) return here.inline(module);
  const front = new SessionFront();
  try {
    const keeping = keep === undefined ? undefined : here.keeping?.(keep);
    const store = new RemoteStore(here.sessionWorker, module, (progress) => front.reading(progress), (error) => front.lost(error), keeping);
    front.attach(store, new Pool(workers, here.taskWorker, module, front));
    await store.started();
    return front;
  } catch (thrown) {
    front.close();
    throw thrown;
  }
}

/** What was given as the module, as one. */
async function compiled(given: Awaited<WasmSource>, here: Surroundings): Promise<WebAssembly.Module> {
  if (given instanceof WebAssembly.Module) return given;
  if (typeof given === "string") return here.fetch(given);
  if (given instanceof URL) return here.fetch(given.href);
  if (given instanceof ArrayBuffer || ArrayBuffer.isView(given)) return compile(given as BufferSource);
  if (typeof Response !== "undefined" && given instanceof Response) return compile(await received(given));
  const message = "wasm is the address of the module (`ultrare/module.wasm`), a response with it, its bytes, or a WebAssembly.Module";
  throw new UltrareError({ code: "open.wasm", message: `${message}, not ${given === null ? "null" : typeof given}.` });
}

/** The bytes of a response that holds the module. */
export async function received(response: Response): Promise<ArrayBuffer> {
  if (response.ok) return response.arrayBuffer();
  const message = `The wasm module is not at ${response.url}: ${response.status} ${response.statusText}. Serve \`ultrare/module.wasm\` and name its address in open({ wasm }).`;
  throw new UltrareError({ code: "open.wasm", message });
}

export async function compile(bytes: BufferSource): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (thrown) {
    throw unusable(thrown);
  }
}

/** Why a module could not be made. */
export function unusable(thrown: unknown): UltrareError {
  if (thrown instanceof UltrareError) return thrown;
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  const advice = /unsafe-eval|Content Security Policy/i.test(why)
    ? "The page's Content-Security-Policy has to allow 'wasm-unsafe-eval' in script-src."
    : "Is it the file `ultrare/module.wasm` of this version?";
  return new UltrareError({ code: "open.wasm", message: `The wasm module cannot be used: ${why}. ${advice}` });
}
