import { UltrareError } from "./errors.js";
import type { FileLike, Source } from "./types.js";

/** Anything that holds a file's bytes, as a file; a refusal for what does not. */
export function asFile(given: FileLike): Blob {
  if (given instanceof Blob) return given;
  if (typeof given === "string" || given instanceof ArrayBuffer) return new Blob([given]);
  if (ArrayBuffer.isView(given)) return new Blob([given as Uint8Array<ArrayBuffer>]);
  const message = `A file is a File, a Blob, text or bytes, not ${given === null ? "null" : typeof given}.`;
  throw new UltrareError({ code: "read.source", message });
}

/** One file to split, or two that are split already. */
export type Files = { data: Blob } | { train: Blob; test: Blob };

export function asFiles(source: Source): Files {
  if (typeof source === "object" && source !== null) {
    if ("data" in source) return { data: asFile(source.data) };
    if ("train" in source && "test" in source) return { train: asFile(source.train), test: asFile(source.test) };
  }
  throw new UltrareError({ code: "read.source", message: "Rows come as { data }, one file to split, or as { train, test }, two that are split already." });
}
