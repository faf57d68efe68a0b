/** What is used of hyparquet, which the build puts beside the client as it is: it is loaded only when a Parquet file comes. */
export interface AsyncBuffer {
  byteLength: number;
  slice(start: number, end?: number): Promise<ArrayBuffer>;
}
export interface FileMetaData {
  num_rows: bigint;
  row_groups: { num_rows: bigint }[];
}
export function parquetMetadataAsync(file: AsyncBuffer): Promise<FileMetaData>;
export function parquetReadObjects(options: {
  file: AsyncBuffer;
  metadata: FileMetaData;
  rowStart: number;
  rowEnd: number;
}): Promise<Record<string, unknown>[]>;
