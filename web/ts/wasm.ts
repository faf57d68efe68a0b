import { initSync, version as inside } from "./wasm/ultrare_web.js";

/** Where the module is. Literal, so that every bundler sees it and carries the file along. */
export const moduleUrl = new URL("./wasm/ultrare_web_bg.wasm", import.meta.url);

/** Gives this thread's glue the compiled module. */
export function start(module: WebAssembly.Module): void {
  initSync({ module });
}

export const version = inside;
