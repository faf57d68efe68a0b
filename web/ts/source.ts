import { shown } from "./check.js";
import { UltrareError, cancelled } from "./errors.js";
import { rowsFile, streamed } from "./rows.js";
import type { FileLike, Source, Streamed, Watch } from "./types.js";

/** Anything that holds a file's bytes, as a file; a refusal for what does not. */
export async function asFile(given: FileLike, on: Watch = {}): Promise<Blob> {
  if (given instanceof Blob) return given;
  if (typeof given === "string" || given instanceof ArrayBuffer) return new Blob([given]);
  if (ArrayBuffer.isView(given)) return new Blob([given as Uint8Array<ArrayBuffer>]);
  if (typeof given === "object" && given !== null && "getReader" in given) return gathered(given, on);
  throw new UltrareError({ code: "read.source", message: `A file is a File, a Blob, text, bytes or a stream of bytes, not ${shown(given)}.` });
}

/** A stream of bytes to its end. */
async function gathered(stream: Streamed<unknown>, { signal }: Watch): Promise<Blob> {
  const parts: BlobPart[] = [];
  try {
    for await (const part of streamed(stream)) {
      if (typeof part !== "string" && !ArrayBuffer.isView(part)) throw new Error(`a part of it is ${shown(part)}, and no bytes`);
      parts.push(part as BlobPart);
      if (signal?.aborted) throw cancelled();
    }
  } catch (thrown) {
    if (thrown instanceof UltrareError) throw thrown;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new UltrareError({ code: "read.file", message: `The stream could not be read: ${why}` });
  }
  return new Blob(parts);
}

/** One file to split, or two that are split already; perhaps one of titles. */
export type Files = ({ data: Blob } | { train: Blob; test: Blob }) & { titles?: Blob };

export async function asFiles(source: Source, on: Watch = {}): Promise<Files> {
  if (typeof source === "object" && source !== null) {
    const titles = "titles" in source && source.titles !== undefined ? { titles: await asFile(source.titles, on) } : {};
    if ("data" in source) return { data: await asFile(source.data, on), ...titles };
    if ("rows" in source) return { data: await rowsFile(source.rows, on), ...titles };
    if ("train" in source && "test" in source) return { train: await asFile(source.train, on), test: await asFile(source.test, on), ...titles };
  }
  const message = "Rows come as { data }, one file to split, as { rows }, an iterable or a stream of rows, or as { train, test }, two files that are split already.";
  throw new UltrareError({ code: "read.source", message });
}
