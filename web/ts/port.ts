import type { MessagePort } from "node:worker_threads";
import type { SessionMessage, SessionRequest, TaskMessage, TaskRequest } from "./protocol.js";
import type { Scope } from "./task.host.js";

type Heard = TaskRequest | SessionRequest;
type Said = TaskMessage | SessionMessage;

/** A thread of Node, which hears by its port what a worker of a browser hears by its scope. */
export function portScope(port: MessagePort): Scope<Heard, Said> {
  const scope: Scope<Heard, Said> = {
    onmessage: null,
    postMessage: (message, transfer = []) => port.postMessage(message, transfer as ArrayBuffer[]),
  };
  port.on("message", (data: Heard) => scope.onmessage?.({ data }));
  return scope;
}
