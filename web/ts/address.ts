import type { WorkerSource } from "./types.js";

/** Modules of other origins, as addresses of this one that import them. */
const wrapped = new Map<string, string>();

/** Is it on another origin than the page? Addresses of files, as bundlers leave them, are not. */
export function foreign(address: string): boolean {
  const own = globalThis.location?.origin;
  const { protocol, origin } = new URL(address, globalThis.location?.href);
  return own !== undefined && (protocol === "http:" || protocol === "https:") && origin !== own;
}

/**
 * A worker from this address. Browsers start none from another origin, so there it is one that imports it: the other origin has
 * to allow that (CORS), and a Content-Security-Policy has to allow both it and `blob:` in `worker-src`.
 */
export function workerAt(address: string): Worker {
  const { href } = new URL(address, globalThis.location?.href);
  if (!foreign(href)) return new Worker(href, { type: "module" });
  const source = () => URL.createObjectURL(new Blob([`import ${JSON.stringify(href)};`], { type: "text/javascript" }));
  if (!wrapped.has(href)) wrapped.set(href, source());
  return new Worker(wrapped.get(href)!, { type: "module" });
}

/** The worker that was asked for, or `otherwise`. */
export function workerOf(given: WorkerSource | undefined, otherwise: () => Worker): Worker {
  if (given === undefined) return otherwise();
  return typeof given === "function" ? given() : workerAt(String(given));
}
