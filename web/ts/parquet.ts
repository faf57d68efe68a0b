import { UltrareError } from "./errors.js";

const MAGIC = "PAR1";

/** Is it a Parquet file? */
export async function isParquet(file: Blob): Promise<boolean> {
  return (await file.slice(0, 4).text()) === MAGIC;
}

/**
 * The rows of a Parquet file as lines of JSON, a row group at a time, which is how such a file is packed; at most `most` rows.
 * What cannot be said in JSON is left empty.
 */
export async function* parquetLines(file: Blob, most = Infinity): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const { parquetMetadataAsync, parquetReadObjects } = await import("./hyparquet/index.js");
  const source = { byteLength: file.size, slice: (start: number, end?: number) => file.slice(start, end).arrayBuffer() };
  const encoder = new TextEncoder();
  try {
    const metadata = await parquetMetadataAsync(source);
    let start = 0;
    for (const group of metadata.row_groups) {
      const end = Math.min(start + Number(group.num_rows), most);
      if (end > start) {
        const rows = await parquetReadObjects({ file: source, metadata, rowStart: start, rowEnd: end });
        yield encoder.encode(rows.map((row) => `${JSON.stringify(row, plain)}\n`).join(""));
      }
      start += Number(group.num_rows);
      if (start >= most) return;
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UltrareError({ code: "read.parquet", message: `The Parquet file could not be read (${why}): write it with snappy compression, or export it as CSV.` });
  }
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (ArrayBuffer.isView(value)) return null;
  return value;
}
