import { workerOf } from "./address.js";
import { compile, connect, received } from "./connect.js";
import { openWith } from "./direct.js";
import { MODULE, WORKER } from "./embedded.js";
import { typed } from "./errors.js";
import type { SessionMessage, SessionRequest, TaskMessage, TaskRequest } from "./protocol.js";
import { Living } from "./pulse.js";
import { tabKeeping, type SessionWorkerLike } from "./remote.js";
import type { WorkerLike } from "./pool.js";
import { Thread } from "./thread.js";
import { nodeThreads } from "./threads.js";
import type { OpenOptions, Session, WorkerSource } from "./types.js";

export { UltrareError, type ErrorData } from "./errors.js";
export { canSign, checkSignature, keysOf, makeKeys, publicKey, signReceipt, type SignatureFound, type SigningKeys } from "./sign.js";
export type * from "./types.js";

/** One module for all workers of all sessions. */
let compiled: Promise<WebAssembly.Module> | undefined;
let address: string | undefined;

async function unpacked(): Promise<WebAssembly.Module> {
  const packed = Uint8Array.from(atob(MODULE), (letter) => letter.charCodeAt(0));
  const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return compile(await new Response(plain).arrayBuffer());
}

/** The worker in this very file. A Content-Security-Policy has to allow `worker-src blob:`. */
function embedded(): Worker {
  address ??= URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));
  return new Worker(address);
}

function started<Request extends { kind: string }, Message extends { kind: string }>(given: WorkerSource | undefined) {
  const threads = nodeThreads();
  if (!threads) return new Living<Request, Message>(workerOf(given, embedded));
  if (typeof given === "function") return new Thread<Request, Message>(given() as never);
  if (given !== undefined) return new Thread<Request, Message>(new threads.Worker(new URL(String(given)), { execArgv: [] }));
  return new Thread<Request, Message>(new threads.Worker(new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`), { execArgv: [] }));
}

/** Opens a session out of this one file: no other is fetched. */
export async function open(options: OpenOptions = {}): Promise<Session> {
  try {
    const processors = (globalThis.navigator as Navigator | undefined)?.hardwareConcurrency ?? 4;
    return await connect(options, {
      workers: Math.min(processors || 2, 16),
      module() {
        compiled ??= unpacked();
        compiled.catch(() => (compiled = undefined));
        return compiled;
      },
      fetch: async (given) => compile(await received(await fetch(given))),
      sessionWorker: () => started<SessionRequest, SessionMessage>(options.sessionWorker) as SessionWorkerLike,
      taskWorker: () => started<TaskRequest, TaskMessage>(options.taskWorker) as WorkerLike,
      inline: openWith,
      ...(nodeThreads() ? {} : { keeping: tabKeeping }),
    });
  } catch (thrown) {
    throw typed(thrown, "open.failed");
  }
}
