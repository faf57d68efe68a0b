import { UltrareError } from "./errors.js";

/** The two bytes that every gzip file begins with. */
const GZIP = [0x1f, 0x8b];

/**
 * A file's bytes in pieces, unpacked if it is gzipped (by its first bytes, whatever its name). `onBytes` hears how many
 * bytes of the file itself were taken, so that progress is measured against its size.
 */
export async function* chunks(file: Blob, onBytes?: (length: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
  const magic = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const counted = file.stream().pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        onBytes?.(chunk.length);
        controller.enqueue(chunk);
      },
    }),
  );
  const packed = magic[0] === GZIP[0] && magic[1] === GZIP[1];
  const reader = (packed ? counted.pipeThrough(new DecompressionStream("gzip")) : counted).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        const message = packed ? `The gzip file is damaged or breaks off: ${why}` : `The file could not be read: ${why}`;
        throw new UltrareError({ code: packed ? "read.gzip" : "read.file", message });
      });
      if (done) return;
      yield value;
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}
