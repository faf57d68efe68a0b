import type { Gate } from "./gate.js";
import type { PipelineEvent, StepOut } from "./types.js";

/** One job under way: the wasm `Task`, or anything that behaves like it. */
export interface Steps {
  step(): StepOut;
  finish(): Uint8Array;
}

/** How long progress may be held back while nobody steps through it: a frame. */
const BATCH = 16;

/**
 * Runs a task to its end, one step per pass of the gate. `report` hears what happened, in batches of a frame unless
 * someone watches step by step. Resolves to the result and the computing time without pauses.
 */
export async function drive(
  task: Steps,
  gate: Gate,
  report: (progress: number, events: PipelineEvent[]) => void,
): Promise<{ result: Uint8Array; seconds: number }> {
  let events: PipelineEvent[] = [];
  let computing = 0;
  let reported = performance.now();
  for (;;) {
    await gate.pass();
    const start = performance.now();
    const out = task.step();
    const result = out.done ? task.finish() : undefined;
    const now = performance.now();
    computing += now - start;
    events.push(...out.events);
    if (result || gate.watched || now - reported >= BATCH) {
      report(out.progress, events);
      [events, reported] = [[], now];
    }
    if (result) return { result, seconds: computing / 1000 };
  }
}
