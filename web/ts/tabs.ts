import { UltrareError } from "./errors.js";
import { Vault, type Folder, type Handle } from "./vault.js";

/** Vaults that no tab holds: so many of the newest stay, for tabs that are opened again, and none that nobody wrote to for so long. */
const FREE = 3;
const ABANDONED = 30 * 86_400_000;
/** How long a tab that loads again waits for the page it was before to let go. */
const PATIENCE = 1000;

/** A vault that belongs to this tab alone, as long as it is open. */
export interface Place {
  vault: Vault;
  /** Its name: the same tab asks for it when it loads again. */
  name: string;
}

/**
 * Opens this tab's vault under `base` in the origin's private file system. Each tab has one of its own, held by a lock that the
 * browser lets go of with the tab; a new tab takes over the newest that nobody holds, so that closing and opening the page
 * goes on where it was. What was abandoned is purged meanwhile. Only in a worker: files that can be overwritten in place are not to be had elsewhere.
 */
export async function claim(base: string, preferred?: string): Promise<Place> {
  const place = await taken(base, preferred);
  void tidy(base, place.name).catch(() => {}); // the next tab tries again
  return place;
}

async function taken(base: string, preferred?: string): Promise<Place> {
  const folder = await home(base);
  // One tab after the other, so that two that open at once do not shut each other out.
  return navigator.locks.request(`${base} claims`, async () => {
    const names = await subfolders(folder);
    if (preferred !== undefined && names.includes(preferred)) {
      const free = await hold(`${base}/${preferred}`, { signal: AbortSignal.timeout(PATIENCE) });
      if (free) return opened(folder, preferred);
    }
    const [newest, ...others] = await free(base, folder, names);
    for (const { release } of others) release();
    if (newest) return opened(folder, newest.name);
    for (let number = 0; ; number++) {
      const name = String(number);
      if (!names.includes(name) && (await hold(`${base}/${name}`, { ifAvailable: true }))) return opened(folder, name);
    }
  });
}

/** Takes hold of all vaults that no tab holds; the one that was written to last is the first. */
async function free(base: string, folder: FileSystemDirectoryHandle, names: readonly string[]): Promise<{ name: string; release: () => void; written: number }[]> {
  const held = [];
  for (const name of names) {
    const release = await hold(`${base}/${name}`, { ifAvailable: true });
    if (release) held.push({ name, release, written: await lastWritten(folder, name) });
  }
  return held.sort((a, b) => b.written - a.written);
}

/** Purges the vaults of tabs that will not come back: those of sessions that died as well as of those that were closed. */
async function tidy(base: string, own: string): Promise<void> {
  const folder = await home(base);
  await navigator.locks.request(`${base} claims`, async () => {
    const others = await free(base, folder, (await subfolders(folder)).filter((name) => name !== own));
    for (const [at, { name, release, written }] of others.entries()) {
      if (at >= FREE || written < Date.now() - ABANDONED) await purged(folder, name);
      release();
    }
  });
}

async function purged(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  const { vault } = await opened(folder, name);
  await vault.clear();
  await vault.close();
  await folder.removeEntry(name, { recursive: true });
}

/** Purges what closed tabs left behind. Resolves to how many other tabs are open and keep what is theirs. */
export async function clearOthers(base: string, own: string): Promise<number> {
  const folder = await home(base);
  let open = 0;
  for (const name of await subfolders(folder)) {
    if (name === own) continue;
    const release = await hold(`${base}/${name}`, { ifAvailable: true });
    if (!release) {
      open += 1;
      continue;
    }
    await purged(folder, name);
    release();
  }
  return open;
}

async function home(base: string): Promise<FileSystemDirectoryHandle> {
  if (!("locks" in navigator) || !navigator.storage?.getDirectory || !globalThis.crypto?.subtle) {
    throw unavailable("it needs https and a browser with a private file system");
  }
  try {
    return await (await navigator.storage.getDirectory()).getDirectoryHandle(base, { create: true });
  } catch (thrown) {
    throw unavailable(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function unavailable(why: string): UltrareError {
  return new UltrareError({ code: "kept.unavailable", message: `Nothing can be kept in this browser: ${why}.` });
}

async function opened(folder: FileSystemDirectoryHandle, name: string): Promise<Place> {
  const own = await folder.getDirectoryHandle(name, { create: true });
  return { name, vault: await Vault.open(files(own)) };
}

async function subfolders(folder: FileSystemDirectoryHandle): Promise<string[]> {
  const names: string[] = [];
  for await (const [name, { kind }] of entries(folder)) if (kind === "directory") names.push(name);
  return names.sort((a, b) => Number(a) - Number(b));
}

async function lastWritten(folder: FileSystemDirectoryHandle, name: string): Promise<number> {
  let newest = 0;
  for await (const [, handle] of entries(await folder.getDirectoryHandle(name))) {
    if (handle.kind === "file") newest = Math.max(newest, (await (handle as FileSystemFileHandle).getFile()).lastModified);
  }
  return newest;
}

/** Takes a lock until it is released or the worker ends; undefined if it cannot be had. */
function hold(name: string, options: LockOptions): Promise<(() => void) | undefined> {
  return new Promise((resolve) => {
    navigator.locks.request(name, options, (lock) => {
      if (!lock) return resolve(undefined);
      return new Promise<void>((release) => resolve(release));
    }).catch(() => resolve(undefined)); // waited too long
  });
}

/** A folder of the private file system, its files opened to be overwritten in place. */
function files(folder: FileSystemDirectoryHandle): Folder {
  return {
    async open(name) {
      const file = (await folder.getFileHandle(name, { create: true })) as InPlace;
      for (let tries = 0; ; tries++) {
        try {
          return await file.createSyncAccessHandle();
        } catch (thrown) {
          // The page before this one may not have let go of its files yet.
          if (tries >= 20 || !(thrown instanceof Error) || thrown.name !== "NoModificationAllowedError") throw thrown;
          await new Promise((wake) => setTimeout(wake, 50));
        }
      }
    },
    remove: (name) => folder.removeEntry(name),
    async names() {
      const names: string[] = [];
      for await (const [name] of entries(folder)) names.push(name);
      return names;
    },
  };
}

/** Two members that TypeScript's types of the DOM leave out: one exists in workers only, the other is too new for them. */
type InPlace = FileSystemFileHandle & { createSyncAccessHandle(): Promise<Handle> };
function entries(folder: FileSystemDirectoryHandle): AsyncIterable<[string, FileSystemHandle]> {
  return (folder as unknown as { entries(): AsyncIterable<[string, FileSystemHandle]> }).entries();
}
