import { readFile } from "node:fs/promises";
import { openWith } from "./direct.js";
import type { OpenOptions, Session } from "./types.js";

export { UltrareError, type ErrorData } from "./errors.js";
export type * from "./types.js";

let compiled: Promise<WebAssembly.Module> | undefined;

/** Opens a session in Node. Jobs run one after the other in this thread, whatever `workers` says. */
export async function open(_options: OpenOptions = {}): Promise<Session> {
  compiled ??= readFile(new URL("./wasm/ultrare_web_bg.wasm", import.meta.url)).then((bytes) => WebAssembly.compile(bytes));
  return openWith(await compiled);
}
