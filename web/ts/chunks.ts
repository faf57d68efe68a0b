import { UltrareError } from "./errors.js";

/** A file's bytes in pieces, as they come from the disk. */
export async function* chunks(file: Blob): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const reader = file.stream().getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new UltrareError({ code: "read.file", message: `The file could not be read: ${why}` });
      });
      if (done) return;
      yield value;
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}
