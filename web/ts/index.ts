import { foreign, workerAt, workerOf } from "./address.js";
import { connect, received, unusable } from "./connect.js";
import { typed } from "./errors.js";
import type { SessionMessage, SessionRequest, TaskMessage, TaskRequest } from "./protocol.js";
import { Living } from "./pulse.js";
import { tabKeeping } from "./remote.js";
import type { OpenOptions, Session } from "./types.js";

export { UltrareError, type ErrorData } from "./errors.js";
export { canSign, checkSignature, keysOf, makeKeys, publicKey, signReceipt, type SignatureFound, type SigningKeys } from "./sign.js";
export type * from "./types.js";

/** One module for all workers of all sessions, by its address. */
const compiled = new Map<string, Promise<WebAssembly.Module>>();

function fetched(address: string): Promise<WebAssembly.Module> {
  const known = compiled.get(address);
  if (known) return known;
  const fresh = download(address);
  compiled.set(address, fresh);
  fresh.catch(() => compiled.delete(address));
  return fresh;
}

async function download(address: string): Promise<WebAssembly.Module> {
  try {
    const response = await fetch(address);
    // Streaming refuses any other type than application/wasm, which not every static host sends.
    const streams = response.ok && response.headers.get("content-type") === "application/wasm";
    return await (streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await received(response)));
  } catch (thrown) {
    throw unusable(thrown);
  }
}

// The addresses below stay literal: bundlers find workers and the module by this very form. From another origin, where this file
// was not bundled, a worker has to be made in another way, and its address must not look like one that a bundler should follow.
const here: string = import.meta.url;

function taskWorker(): Worker {
  if (foreign(here)) return workerAt(new URL(["task", "worker.js"].join("."), here).href);
  return new Worker(new URL("./task.worker.js", import.meta.url), { type: "module" });
}

function sessionWorker(): Worker {
  if (foreign(here)) return workerAt(new URL(["session", "worker.js"].join("."), here).href);
  return new Worker(new URL("./session.worker.js", import.meta.url), { type: "module" });
}

/** Opens a session: a worker for the experiment and a pool for its jobs. Everything stays on this machine. */
export async function open(options: OpenOptions = {}): Promise<Session> {
  try {
    return await connect(options, {
      workers: Math.min(navigator.hardwareConcurrency || 2, 16),
      module: () => fetched(new URL("./wasm/ultrare_web_bg.wasm", import.meta.url).href),
      fetch: (address) => fetched(new URL(address, globalThis.location?.href).href),
      sessionWorker: () => new Living<SessionRequest, SessionMessage>(workerOf(options.sessionWorker, sessionWorker)),
      taskWorker: () => new Living<TaskRequest, TaskMessage>(workerOf(options.taskWorker, taskWorker)),
      inline: async (module) => (await import("./direct.js")).openWith(module),
      keeping: tabKeeping,
    });
  } catch (thrown) {
    throw typed(thrown, "open.failed");
  }
}
