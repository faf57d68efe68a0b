/** One run kept in this browser between visits: by the client, which encrypts it and can purge it beyond recovery. */
import type { ErrorData, Session, Snapshot } from "../client";

/** Under this name everything of this page is kept. */
export const BASE = "ultrare";
const RUN = "run";

/** What a visit leaves for the next beside the experiment: a few words, and two kinds of numbers. */
export interface Kept<Words> {
  words: Words;
  handles: Uint32Array;
  positions: Float32Array;
}

/** Lengths of the words and of the handles, the words, the handles, two positions for each. */
export function pack<Words>({ words, handles, positions }: Kept<Words>): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(words));
  const at = 8 + text.length;
  const bytes = new Uint8Array(at + 12 * handles.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, text.length);
  view.setUint32(4, handles.length);
  bytes.set(text, 8);
  handles.forEach((handle, n) => view.setUint32(at + 4 * n, handle));
  positions.forEach((position, n) => view.setFloat32(at + 4 * (handles.length + n), position));
  return bytes;
}

export function unpack<Words>(bytes: Uint8Array): Kept<Words> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [length, placed] = [view.getUint32(0), view.getUint32(4)];
  const at = 8 + length;
  return {
    words: JSON.parse(new TextDecoder().decode(bytes.subarray(8, at))) as Words,
    handles: Uint32Array.from({ length: placed }, (_, n) => view.getUint32(at + 4 * n)),
    positions: Float32Array.from({ length: 2 * placed }, (_, n) => view.getFloat32(at + 4 * (placed + n))),
  };
}

export const keep = <Words>(session: Session, kept: Kept<Words>, most: number): Promise<void> => session.kept.keepExperiment(RUN, pack(kept), most);

export async function recall<Words>(session: Session): Promise<Kept<Words> | undefined> {
  const bytes = await session.kept.beside(RUN).catch(() => undefined); // where nothing can be kept, nothing was
  return bytes && unpack<Words>(bytes);
}

/** Replaces the experiment by the one of the last visit, if it is whole. */
export const restore = (session: Session): Promise<Snapshot | undefined> => session.kept.restoreExperiment(RUN);

/** Purges the kept run: what holds a person may not stay a moment after the person was forgotten. */
export const drop = (session: Session): Promise<void> => unlessNowhere(session.kept.clear(), undefined);

/**
 * Purges everything that this page keeps, and nothing of other pages of the same origin. The page's own files stay: they hold
 * nobody's data, and it works with the network off by them. Resolves to how many other tabs are open: theirs is kept.
 */
export async function wipe(session: Session): Promise<number> {
  for (const name of Object.keys(localStorage)) if (name.startsWith(`${BASE}.`)) localStorage.removeItem(name);
  return unlessNowhere(session.kept.clearAll(), 0);
}

/** Before runs were encrypted they were kept in a database of this name. */
export async function dropEarlier(): Promise<void> {
  const all = await globalThis.indexedDB?.databases?.().catch(() => []);
  if (all?.some(({ name }) => name === BASE)) indexedDB.deleteDatabase(BASE);
}

/** Where nothing can be kept there is nothing to purge. */
async function unlessNowhere<T>(done: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await done;
  } catch (error) {
    if ((error as ErrorData).code === "kept.unavailable") return otherwise;
    throw error;
  }
}
