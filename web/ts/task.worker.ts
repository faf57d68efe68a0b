import { drive } from "./drive.js";
import { flatten } from "./errors.js";
import { Gate } from "./gate.js";
import type { TaskMessage, TaskRequest } from "./protocol.js";
import { buffers } from "./transfer.js";
import { Task, panic_for_tests, start } from "./wasm.js";

/** Runs one job at a time, step by step. Holds nothing between jobs: whoever dies here loses one job's work. */
const scope = self as unknown as {
  onmessage: ((event: MessageEvent<TaskRequest>) => void) | null;
  postMessage(message: TaskMessage, transfer?: Transferable[]): void;
};
const gate = new Gate();

function post(message: TaskMessage): void {
  scope.postMessage(message, buffers(message));
}

async function run(id: number, bytes: Uint8Array): Promise<void> {
  let task: Task | undefined;
  try {
    gate.reset();
    task = new Task(bytes);
    const done = await drive(task, gate, (progress, events) => post({ kind: "progress", id, progress, events }));
    post({ kind: "done", id, result: done.result as Uint8Array<ArrayBuffer>, seconds: done.seconds });
  } catch (thrown) {
    const error = flatten(thrown);
    post(error.code === "cancelled" ? { kind: "cancelled", id } : { kind: "failed", id, error });
  } finally {
    task?.free();
  }
}

scope.onmessage = ({ data }) => {
  try {
    if (data.kind === "start") {
      start(data.module);
      post({ kind: "ready" });
    } else if (data.kind === "run") void run(data.id, data.bytes);
    else if (data.kind === "crash") panic_for_tests();
    else gate.control(data);
  } catch (thrown) {
    post({ kind: "failed", id: null, error: flatten(thrown) });
  }
};
