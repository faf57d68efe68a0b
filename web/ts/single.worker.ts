import { host } from "./host.js";
import { portScope } from "./port.js";
import type { SessionMessage, SessionRequest, TaskMessage, TaskRequest } from "./protocol.js";
import type { Scope } from "./task.host.js";
import { nodeThreads } from "./threads.js";

const port = nodeThreads()?.parentPort;
host(port ? portScope(port) : (self as unknown as Scope<TaskRequest | SessionRequest, TaskMessage | SessionMessage>));
