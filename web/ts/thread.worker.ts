import { parentPort } from "node:worker_threads";
import { host } from "./host.js";
import { portScope } from "./port.js";

host(portScope(parentPort!));
