import { flatten } from "./errors.js";
import type { SessionMessage, SessionRequest } from "./protocol.js";
import { Store } from "./store.js";
import { buffers } from "./transfer.js";
import { start } from "./wasm.js";

/** Holds the experiment, so that the page's thread never waits for it. */
const scope = self as unknown as {
  onmessage: ((event: MessageEvent<SessionRequest>) => void) | null;
  postMessage(message: SessionMessage, transfer?: Transferable[]): void;
};
let store: Store | undefined;

scope.onmessage = async ({ data }) => {
  if (data.kind === "start") {
    start(data.module);
    store = new Store((progress) => scope.postMessage({ kind: "progress", progress }));
    return scope.postMessage({ kind: "ready" });
  }
  try {
    const method = store![data.method] as (...args: unknown[]) => unknown;
    const value = await method.apply(store, data.args);
    scope.postMessage({ kind: "answer", id: data.id, value }, buffers(value));
  } catch (thrown) {
    scope.postMessage({ kind: "refusal", id: data.id, error: flatten(thrown) });
  }
};
