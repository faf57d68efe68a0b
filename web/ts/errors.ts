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

export function closed(): UltrareError {
  return new UltrareError({ code: "closed", message: "The session is closed: open a new one." });
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
