import { drive } from "./drive.js";
import { flatten } from "./errors.js";
import { Gate } from "./gate.js";
import type { TaskMessage, TaskRequest } from "./protocol.js";
import { pulse } from "./pulse.js";
import { buffers, release } from "./transfer.js";
import { Runner, panic_for_tests, start, type Task } from "./wasm.js";

/** A thread, as what runs in it sees it: a worker's own scope, or Node's port to whoever made the thread. */
export interface Scope<Request, Message> {
  onmessage: ((event: { data: Request }) => void) | null;
  postMessage(message: Message, transfer?: Transferable[]): void;
}

/** Runs one job at a time, step by step. Its runner keeps large inputs between jobs; whoever dies here loses one job's work. */
export function hostTasks(scope: Scope<TaskRequest, TaskMessage>): void {
  const gate = new Gate();
  const post = (message: TaskMessage) => scope.postMessage(message, buffers(message));
  let runner: Runner; // of the module, so not before it is there

  async function run({ id, body, inputs, blobs }: Extract<TaskRequest, { kind: "run" }>): Promise<void> {
    let running: Task | undefined;
    try {
      for (const [digest, bytes] of blobs) {
        runner.put(digest, bytes);
        release(bytes);
      }
      const digests = runner.lacking([...new Set(inputs)]);
      if (digests.length > 0) return post({ kind: "lacking", id, digests });
      gate.reset();
      running = runner.task(body);
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
        try {
          start(data.module);
        } catch (thrown) {
          return post({ kind: "failed", id: null, error: { ...flatten(thrown), code: "trap" } });
        }
        runner = new Runner();
        await pulse(data.pulse);
        post({ kind: "ready" });
      } else if (data.kind === "run") void run(data);
      else if (data.kind === "crash") panic_for_tests();
      else gate.control(data);
    } catch (thrown) {
      post({ kind: "failed", id: null, error: flatten(thrown) });
    }
  };
}
