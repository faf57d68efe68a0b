import { Blobs } from "./blobs.js";
import { drive } from "./drive.js";
import { flatten } from "./errors.js";
import { Gate } from "./gate.js";
import type { TaskMessage, TaskRequest } from "./protocol.js";
import { pulse } from "./pulse.js";
import { buffers } from "./transfer.js";
import { panic_for_tests, start, task } from "./wasm.js";

/** Runs one job at a time, step by step. Keeps large inputs between jobs: whoever dies here loses one job's work. */
const scope = self as unknown as {
  onmessage: ((event: MessageEvent<TaskRequest>) => void) | null;
  postMessage(message: TaskMessage, transfer?: Transferable[]): void;
};
const gate = new Gate();
const blobs = new Blobs();

function post(message: TaskMessage): void {
  scope.postMessage(message, buffers(message));
}

async function run({ id, bytes, inputs, blobs: given }: Extract<TaskRequest, { kind: "run" }>): Promise<void> {
  for (const [digest, blob] of given) blobs.put(digest, blob);
  const digests = blobs.lacking(inputs);
  if (digests.length > 0) return post({ kind: "lacking", id, digests });
  let running: ReturnType<typeof task> | undefined;
  try {
    gate.reset();
    running = task(bytes, blobs.use(inputs));
    const done = await drive(running, gate, (progress, events) => post({ kind: "progress", id, progress, events }));
    post({ kind: "done", id, result: done.result as Uint8Array<ArrayBuffer>, seconds: done.seconds });
  } catch (thrown) {
    const error = flatten(thrown);
    post(error.code === "cancelled" ? { kind: "cancelled", id } : { kind: "failed", id, error });
  } finally {
    running?.free();
  }
}

scope.onmessage = async ({ data }) => {
  try {
    if (data.kind === "start") {
      start(data.module);
      await pulse(data.pulse);
      post({ kind: "ready" });
    } else if (data.kind === "run") void run(data);
    else if (data.kind === "crash") panic_for_tests();
    else gate.control(data);
  } catch (thrown) {
    post({ kind: "failed", id: null, error: flatten(thrown) });
  }
};
