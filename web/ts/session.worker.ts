import type { SessionMessage, SessionRequest } from "./protocol.js";
import { hostSession } from "./session.host.js";
import type { Scope } from "./task.host.js";

hostSession(self as unknown as Scope<SessionRequest, SessionMessage>);
