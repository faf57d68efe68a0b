/** What crosses between the threads: requests with ids and their answers, and progress as messages of its own. */
import type { ErrorData } from "./errors.js";
import type { Control } from "./gate.js";
import type { Reading, Store } from "./store.js";
import type { Kept, PipelineEvent } from "./types.js";

/** To a task worker. */
export type TaskRequest =
  | { kind: "start"; role: "task"; module: WebAssembly.Module; pulse?: string }
  | { kind: "run"; id: number; body: Uint8Array<ArrayBuffer>; inputs: readonly string[]; blobs: readonly Blobbed[] }
  | { kind: "crash" }
  | Control;

/** An input and its digest. */
export type Blobbed = [digest: string, bytes: Uint8Array<ArrayBuffer>];

/** From a task worker. `lacking` means: send these, and the job again. `failed` with a fatal error means: replace me. */
export type TaskMessage =
  | { kind: "ready" }
  | { kind: "progress"; id: number; progress: number; events: PipelineEvent[] }
  | { kind: "lacking"; id: number; digests: string[] }
  | { kind: "done"; id: number; result: Uint8Array<ArrayBuffer>; seconds: number }
  | { kind: "cancelled"; id: number }
  | { kind: "failed"; id: number | null; error: ErrorData };

/** The store's methods that may be called from the other side. */
export type StoreMethod = { [M in keyof Store]: Store[M] extends (...args: never[]) => unknown ? M : never }[keyof Store];
export type StoreArguments<M extends StoreMethod> = Parameters<Store[M]>;
export type StoreResult<M extends StoreMethod> = Awaited<ReturnType<Store[M]>>;

export type KeptMethod = keyof Kept;
export type KeptArguments<M extends KeptMethod> = Parameters<Kept[M]>;
export type KeptResult<M extends KeptMethod> = Awaited<ReturnType<Kept[M]>>;

/** To the session worker: one method of the store, or of what is kept, and its arguments. */
export type SessionRequest =
  | { kind: "start"; role: "session"; module: WebAssembly.Module; pulse?: string; keep?: { base: string; tab?: string } }
  | { [M in KeptMethod]: { kind: "kept"; id: number; method: M; args: KeptArguments<M> } }[KeptMethod]
  | { [M in StoreMethod]: { kind: "call"; id: number; method: M; args: StoreArguments<M> } }[StoreMethod];

/** From the session worker. `unable` means: this module does not work here. */
export type SessionMessage =
  | { kind: "ready" }
  | { kind: "unable"; error: ErrorData }
  | { kind: "tab"; tab: string }
  | { kind: "answer"; id: number; value: unknown }
  | { kind: "refusal"; id: number; error: ErrorData }
  | { kind: "progress"; progress: Reading };

/** Reaches the store, wherever it lives. */
export interface StoreAccess {
  call<M extends StoreMethod>(method: M, ...args: StoreArguments<M>): Promise<StoreResult<M>>;
  kept<M extends KeptMethod>(method: M, ...args: KeptArguments<M>): Promise<KeptResult<M>>;
  close(): void;
}
