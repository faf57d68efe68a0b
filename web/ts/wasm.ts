import { UltrareError } from "./errors.js";
import { Task, initSync } from "./wasm/ultrare_web.js";

export { Experiment, Reader, fresh_seed, panic_for_tests, preview, version, parse_sequence, read_receipt } from "./wasm/ultrare_web.js";

/** Gives this thread's glue the compiled module. */
export function start(module: WebAssembly.Module): void {
  initSync({ module });
}

/** A job made ready to run: its body, and the large inputs that it names, in its order. */
export function task(body: Uint8Array, blobs: readonly Uint8Array[]): Task {
  // The module's jobs carry all they need in their bodies.
  if (blobs.length > 0) throw new UltrareError({ code: "job.inputs", message: `A job came with ${blobs.length} inputs and takes none.` });
  return new Task(body);
}
