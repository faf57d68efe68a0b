import type { SessionMessage, SessionRequest, TaskMessage, TaskRequest } from "./protocol.js";
import { hostSession } from "./session.host.js";
import { hostTasks, type Scope } from "./task.host.js";

/** Becomes what its first message asks for: a worker for jobs, or the one that holds the experiment. */
export function host(scope: Scope<TaskRequest | SessionRequest, TaskMessage | SessionMessage>): void {
  scope.onmessage = (event) => {
    if (event.data.kind !== "start") return;
    if (event.data.role === "session") hostSession(scope as Scope<SessionRequest, SessionMessage>);
    else hostTasks(scope as Scope<TaskRequest, TaskMessage>);
    scope.onmessage!(event);
  };
}
