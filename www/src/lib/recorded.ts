/** The recording of a first visit: drawn while the library is on its way, and replaced by the run itself, which is the same. */
export interface Recorded {
  handles: Uint32Array;
  positions: Float32Array;
  rows: Uint16Array;
  /** The shard of each person, step by step; the last is how it ended. */
  steps: Uint16Array[];
}

const HEAD = 8;
/** What stands for a person who stays. */
const SAME = 255;

export async function recorded(): Promise<Recorded | null> {
  try {
    const answer = await fetch("./first.bin");
    if (!answer.ok) return null;
    const buffer = await answer.arrayBuffer();
    const view = new DataView(buffer);
    const [n, moves] = [view.getUint32(0, true), view.getUint32(4, true)];
    const word = (i: number, k: number) => view.getUint16(HEAD + 10 * i + 2 * k, true);
    const place = (i: number, k: number) => view.getInt16(HEAD + 10 * i + 2 * k, true) / 32_767;
    const steps: Uint16Array[] = [];
    for (let at = 0; at < moves; at++) {
      const moved = new Uint8Array(buffer, HEAD + (10 + at) * n, n);
      steps.push(Uint16Array.from(moved, (shard, i) => (shard === SAME ? steps[at - 1]![i]! : shard)));
    }
    steps.push(Uint16Array.from({ length: n }, (_, i) => word(i, 4)));
    return {
      handles: Uint32Array.from({ length: n }, (_, i) => word(i, 0)),
      positions: Float32Array.from({ length: 2 * n }, (_, j) => place(j >> 1, 1 + (j & 1))),
      rows: Uint16Array.from({ length: n }, (_, i) => word(i, 3)),
      steps,
    };
  } catch {
    return null; // it is only a picture
  }
}
