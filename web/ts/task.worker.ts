import { hostTasks, type Scope } from "./task.host.js";
import type { TaskMessage, TaskRequest } from "./protocol.js";

hostTasks(self as unknown as Scope<TaskRequest, TaskMessage>);
