/** One value kept in this browser between visits, in IndexedDB. Where that is refused, nothing is kept and nothing fails. */
const DATABASE = "ultrare";
const STORE = "kept";
const KEY = "experiment";

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB is not available"));
  });
}

async function within<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("not kept"));
    });
  } finally {
    database.close();
  }
}

export const keep = (value: unknown): Promise<boolean> =>
  within("readwrite", (store) => store.put(value, KEY)).then(() => true, () => false);

export const recall = <T>(): Promise<T | undefined> =>
  within("readonly", (store) => store.get(KEY) as IDBRequest<T>).catch(() => undefined);

/** Removes the database itself, so that not even its pages stay. */
export function wipe(): Promise<void> {
  return new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(DATABASE);
    request.onsuccess = request.onerror = request.onblocked = () => resolve();
  });
}
