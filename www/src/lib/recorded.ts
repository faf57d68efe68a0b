/** The recorded picture of a first visit: drawn while the library is on its way, and replaced by the run itself, which is the same. */
export interface Recorded { handles: Uint32Array; positions: Float32Array; rows: Uint16Array; shards: Uint16Array }

export async function recorded(): Promise<Recorded | null> {
  try {
    const answer = await fetch("./first.bin");
    if (!answer.ok) return null;
    const view = new DataView(await answer.arrayBuffer());
    const n = view.getUint32(0, true);
    const word = (i: number, k: number) => view.getUint16(4 + 10 * i + 2 * k, true);
    const place = (i: number, k: number) => view.getInt16(4 + 10 * i + 2 * k, true) / 32_767;
    return {
      handles: Uint32Array.from({ length: n }, (_, i) => word(i, 0)),
      positions: Float32Array.from({ length: 2 * n }, (_, j) => place(j >> 1, 1 + (j & 1))),
      rows: Uint16Array.from({ length: n }, (_, i) => word(i, 3)),
      shards: Uint16Array.from({ length: n }, (_, i) => word(i, 4)),
    };
  } catch {
    return null; // it is only a picture
  }
}
