import { readFile } from "node:fs/promises";
import { openWith } from "./direct.js";
import { typed, workersAsked } from "./errors.js";
import type { OpenOptions, Session } from "./types.js";

export { UltrareError, type ErrorData } from "./errors.js";
export type * from "./types.js";

let compiled: Promise<WebAssembly.Module> | undefined;

/** Opens a session in Node. Jobs run one after the other in this thread, however many `workers` there may be. */
export async function open(options: OpenOptions = {}): Promise<Session> {
  try {
    workersAsked(options.workers, 1);
    compiled ??= readFile(new URL("./wasm/ultrare_web_bg.wasm", import.meta.url)).then((bytes) => WebAssembly.compile(bytes));
    compiled.catch(() => (compiled = undefined));
    return openWith(await compiled);
  } catch (thrown) {
    throw typed(thrown, "open.failed");
  }
}
