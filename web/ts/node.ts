import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { compile, connect, received } from "./connect.js";
import { openWith } from "./direct.js";
import { UltrareError, typed } from "./errors.js";
import type { SessionMessage, SessionRequest, TaskMessage, TaskRequest } from "./protocol.js";
import { Thread } from "./thread.js";
import type { OpenOptions, Session, WorkerSource } from "./types.js";

export { UltrareError, type ErrorData } from "./errors.js";
export { canSign, checkSignature, keysOf, makeKeys, publicKey, signReceipt, type SignatureFound, type SigningKeys } from "./sign.js";
export type * from "./types.js";

/** One module for all threads of all sessions. */
let compiled: Promise<WebAssembly.Module> | undefined;

/** The module at a path or an address. */
async function fetched(address: string): Promise<WebAssembly.Module> {
  if (/^(https?|data|blob):/.test(address)) return compile(await received(await fetch(address)));
  const path = address.startsWith("file:") ? fileURLToPath(address) : address;
  const bytes = await readFile(path).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UltrareError({ code: "open.wasm", message: `The wasm module could not be read: ${why}. It is the file \`ultrare/module.wasm\`: name where it lies in open({ wasm }).` });
  });
  return compile(bytes as BufferSource);
}

/** Flags of the process, such as those for what it was given on the command line, are none of a thread's. */
function thread(given: WorkerSource | undefined): Worker {
  if (typeof given === "function") return given() as unknown as Worker;
  if (given === undefined) return new Worker(new URL("./thread.worker.js", import.meta.url), { execArgv: [] });
  const address = String(given);
  return new Worker(address.startsWith("file:") ? new URL(address) : address, { execArgv: [] });
}

/** Opens a session in Node, Deno or Bun: a thread for the experiment and a pool of them for its jobs. */
export async function open(options: OpenOptions = {}): Promise<Session> {
  try {
    return await connect(options, {
      workers: Math.min(availableParallelism(), 16),
      module() {
        compiled ??= fetched(new URL("./wasm/ultrare_web_bg.wasm", import.meta.url).href);
        compiled.catch(() => (compiled = undefined));
        return compiled;
      },
      fetch: fetched,
      sessionWorker: () => new Thread<SessionRequest, SessionMessage>(thread(options.sessionWorker)),
      taskWorker: () => new Thread<TaskRequest, TaskMessage>(thread(options.taskWorker)),
      inline: openWith,
    });
  } catch (thrown) {
    throw typed(thrown, "open.failed");
  }
}
