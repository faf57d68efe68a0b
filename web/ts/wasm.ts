import { initSync } from "./wasm/ultrare_web.js";

export { Experiment, Reader, Runner, type Saving, type Server, type Task, added_rows, catalogue, fresh_seed, lists_titles, panic_for_tests, preview, preview_file, version, parse_sequence, read_receipt, scenarios } from "./wasm/ultrare_web.js";

/** Gives this thread's glue the compiled module. */
export function start(module: WebAssembly.Module): void {
  initSync({ module });
}
