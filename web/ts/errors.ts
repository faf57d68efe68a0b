/** An error as it crosses between threads, and as people and programs read it. */
export interface ErrorData {
  name: string;
  /** A stable name such as `read.empty`; `cancelled` for what was cancelled. */
  code: string;
  message: string;
  details?: unknown;
}

/** What every promise of a session rejects with. */
export class UltrareError extends Error implements ErrorData {
  readonly code: string;
  readonly details?: unknown;

  constructor(data: { code: string; message: string; details?: unknown }) {
    super(data.message);
    this.name = "UltrareError";
    this.code = data.code;
    if (data.details !== undefined) this.details = data.details;
  }
}

export function cancelled(): UltrareError {
  return new UltrareError({ code: "cancelled", message: "Cancelled: everything is as it was before." });
}

/** What can be done where no worker starts. */
export const WORKERS = "Serve ultrare's dist/ folder with its workers beside it, name them in open({ sessionWorker, taskWorker }), use ultrare/single, or do without: open({ workers: 0 }).";

/** How many workers were asked for, or `otherwise`; a refusal for what is no number of workers. */
export function workersAsked(asked: number | undefined, otherwise: number): number {
  const workers = asked ?? otherwise;
  if (Number.isInteger(workers) && workers >= 0 && workers <= 1024) return workers;
  throw new UltrareError({ code: "open.workers", message: `workers is a whole number up to 1024, 0 for none, not ${String(workers)}` });
}

/** An argument that cannot go to a worker: a function, say. */
export function unpostable(thrown: unknown): UltrareError {
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return new UltrareError({ code: "argument", message: `An argument is no plain value, and cannot go to a worker: ${why}` });
}

export function closed(): UltrareError {
  return new UltrareError({ code: "closed", message: "The session is closed: open a new one." });
}

/** Anything thrown, as what a promise of a session rejects with; `code` for what has none. */
export function typed(thrown: unknown, code?: string): UltrareError {
  if (thrown instanceof UltrareError) return thrown;
  const data = flatten(thrown);
  return new UltrareError(code && data.code === "defect" ? { ...data, code } : data);
}

/**
 * Any thrown value as plain data. What wasm throws by itself gets code `trap`; anything else without a code is a mistake on
 * this side, code `defect`.
 */
export function flatten(thrown: unknown): ErrorData {
  if (!(thrown instanceof Error)) return { name: "Error", code: "defect", message: String(thrown) };
  const { name, message } = thrown;
  const { code, details } = thrown as Partial<ErrorData>;
  const trapped = thrown instanceof WebAssembly.RuntimeError || (thrown instanceof RangeError && /call stack/.test(message));
  const own = trapped ? "trap" : "defect";
  return { name, code: typeof code === "string" ? code : own, message, ...(details === undefined ? {} : { details }) };
}

/** Is the wasm module that threw this beyond use? A panic leaves borrowed objects behind, a trap leaves anything. */
export function isFatal(error: ErrorData): boolean {
  return error.code === "panic" || error.code === "trap";
}
