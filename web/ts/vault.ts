import { UltrareError } from "./errors.js";
import { release } from "./transfer.js";

/** A file that can be read and overwritten where it lies: a sync access handle of the origin's private file system. */
export interface Handle {
  read(into: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  getSize(): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

/** A folder of such files. */
export interface Folder {
  open(name: string): Promise<Handle>;
  remove(name: string): Promise<void>;
  names(): Promise<string[]>;
}

/** Bytes that are fetched part by part: large ones need not be there twice. */
export interface Parts {
  readonly length: number;
  /** A copy, which may be given back at once. */
  part(from: number, to: number): Uint8Array;
}

/** Bytes by name. Names are no secret while they are kept, and gone when they are not: at most 83 bytes of UTF-8. */
export interface Keyed {
  /** Keeps the bytes, which may not change meanwhile; resolves when they are on the disk, rejects (`kept.room`, `kept.failed`) if not. */
  put(key: string, bytes: Uint8Array | Parts): Promise<void>;
  /** The bytes as they were put; undefined if there are none, or none that can be trusted. */
  get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  keys(): Promise<string[]>;
  /** Purges everything else: beyond recovery when this resolves. */
  retain(keys: Iterable<string>): Promise<void>;
  /** Purges everything. */
  clear(): Promise<void>;
}

/** The file of the keys. All others hold nothing but ciphertext. */
const RING = "keys";
/** A record: checksum, file number, length of the plain bytes, key, length of the name, name. */
const RECORD = 128;
const [NUMBER, LENGTH, KEY, NAME] = [4, 8, 12, 44];
const LONGEST = RECORD - NAME - 1;
/** Bytes that are encrypted at a time. */
const PIECE = 1 << 22;
/** What AES-GCM adds to each piece. */
const TAG = 16;

interface Entry {
  name: string;
  /** Place of its record in the ring. */
  place: number;
  /** Its file is called by this number. */
  number: number;
  length: number;
  key: Uint8Array<ArrayBuffer>;
}

/**
 * Keeps bytes so that they can be forgotten. Deleting a file leaves its bytes on the disk, and a database's log keeps old
 * values; so every entry is encrypted (AES-GCM) under a random key of its own, and the keys lie in one small file that is
 * overwritten in place. To purge an entry is to overwrite its key: whatever remains of its file cannot be read any more.
 *
 * Safe against being cut off anywhere: an entry is written before its key, a record is written whole, and what does not
 * fit together when the vault is opened is dropped. Operations are carried out one after the other. Costs one file, a record of 128
 * bytes and 16 bytes for every four megabytes per entry.
 */
export class Vault implements Keyed {
  private readonly entries = new Map<string, Entry>();
  private free: number[] = [];
  private places = 0;
  private next = 0;
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(private readonly folder: Folder, private readonly ring: Handle) {}

  /** Opens what is there, or an empty one. Nobody else may have the folder open. */
  static async open(folder: Folder): Promise<Vault> {
    const vault = new Vault(folder, await folder.open(RING));
    await vault.load();
    return vault;
  }

  put(name: string, bytes: Uint8Array | Parts): Promise<void> {
    return this.after(async () => {
      const encoded = new TextEncoder().encode(name);
      if (encoded.length > LONGEST) throw new UltrareError({ code: "kept.key", message: `A key has at most ${LONGEST} bytes, this one ${encoded.length}.` });
      const key = crypto.getRandomValues(new Uint8Array(32));
      const number = this.next++;
      const old = this.entries.get(name);
      const place = this.free.pop() ?? this.places++;
      try {
        await this.write(String(number), await imported(key), bytes);
        this.record(place, number, bytes.length, key, encoded);
      } catch (thrown) {
        this.free.push(place);
        await this.folder.remove(String(number)).catch(() => {});
        throw refusal(thrown, bytes.length);
      }
      this.entries.set(name, { name, place, number, length: bytes.length, key });
      if (old) await this.purge([old]);
    });
  }

  get(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.after(async () => {
      const entry = this.entries.get(name);
      if (!entry) return undefined;
      try {
        return await this.read(entry, await imported(entry.key));
      } catch {
        // Cut off or changed on the disk: what is missing is computed again, never guessed.
        this.entries.delete(name);
        await this.purge([entry]);
        return undefined;
      }
    });
  }

  keys(): Promise<string[]> {
    return this.after(async () => [...this.entries.keys()].sort());
  }

  retain(keys: Iterable<string>): Promise<void> {
    const wanted = new Set(keys);
    return this.keep((name) => wanted.has(name));
  }

  clear(): Promise<void> {
    return this.keep(() => false);
  }

  /** The entries whose names begin with `prefix`, as a store of their own: it neither sees nor purges the others. */
  area(prefix: string): Keyed {
    return {
      put: (key, bytes) => this.put(prefix + key, bytes),
      get: (key) => this.get(prefix + key),
      keys: async () => (await this.keys()).filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
      retain: (keys) => {
        const wanted = new Set(Array.from(keys, (key) => prefix + key));
        return this.keep((name) => !name.startsWith(prefix) || wanted.has(name));
      },
      clear: () => this.keep((name) => !name.startsWith(prefix)),
    };
  }

  /** Lets go of the files; everything stays kept. */
  close(): Promise<void> {
    return this.after(async () => this.ring.close());
  }

  private keep(wanted: (name: string) => boolean): Promise<void> {
    return this.after(async () => {
      const gone = [...this.entries.values()].filter(({ name }) => !wanted(name));
      for (const { name } of gone) this.entries.delete(name);
      await this.purge(gone);
    });
  }

  /** One operation at a time, in the order they were asked for. */
  private after<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => {});
    return done;
  }

  /** Overwrites the keys first, all in one go; the files only take room after that. */
  private async purge(gone: readonly Entry[]): Promise<void> {
    if (gone.length === 0) return;
    const nothing = new Uint8Array(RECORD);
    for (const { place, key } of gone) {
      whole(this.ring.write(nothing, { at: place * RECORD }), RECORD);
      key.fill(0);
      this.free.push(place);
    }
    this.ring.flush();
    for (const { number } of gone) await this.folder.remove(String(number)).catch(() => {});
  }

  private record(place: number, number: number, length: number, key: Uint8Array, name: Uint8Array): void {
    const record = new Uint8Array(RECORD);
    const view = new DataView(record.buffer);
    view.setUint32(NUMBER, number);
    view.setUint32(LENGTH, length);
    record.set(key, KEY);
    record[NAME] = name.length;
    record.set(name, NAME + 1);
    view.setUint32(0, checksum(record));
    whole(this.ring.write(record, { at: place * RECORD }), RECORD);
    this.ring.flush();
  }

  private async write(name: string, key: CryptoKey, bytes: Uint8Array | Parts): Promise<void> {
    const part = "part" in bytes ? (from: number, to: number) => bytes.part(from, to) : (from: number, to: number) => bytes.subarray(from, to);
    const handle = await this.folder.open(name);
    try {
      handle.truncate(0);
      for (let n = 0; n < pieces(bytes.length); n++) {
        const plain = part(n * PIECE, Math.min((n + 1) * PIECE, bytes.length)) as Uint8Array<ArrayBuffer>;
        const cipher = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce(n) }, key, plain));
        whole(handle.write(cipher, { at: n * (PIECE + TAG) }), cipher.length);
        release(cipher);
        if ("part" in bytes) release(plain);
      }
      handle.flush();
    } finally {
      handle.close();
    }
  }

  private async read({ number, length }: Entry, key: CryptoKey): Promise<Uint8Array<ArrayBuffer>> {
    const handle = await this.folder.open(String(number));
    try {
      const all = new Uint8Array(length);
      whole(handle.getSize(), length + TAG * pieces(length));
      for (let n = 0; n < pieces(length); n++) {
        const cipher = new Uint8Array(Math.min(PIECE, length - n * PIECE) + TAG);
        whole(handle.read(cipher, { at: n * (PIECE + TAG) }), cipher.length);
        const plain = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce(n) }, key, cipher));
        all.set(plain, n * PIECE);
        [cipher, plain].forEach(release);
      }
      return all;
    } finally {
      handle.close();
    }
  }

  private async load(): Promise<void> {
    const size = this.ring.getSize();
    const all = new Uint8Array(size);
    this.ring.read(all, { at: 0 });
    const files = new Set(await this.folder.names());
    const dropped: Entry[] = [];
    this.places = Math.ceil(size / RECORD);
    for (let place = 0; place < this.places; place++) {
      const record = new Uint8Array(RECORD);
      record.set(all.subarray(place * RECORD, (place + 1) * RECORD));
      if (record.every((byte) => byte === 0)) {
        this.free.push(place);
        continue;
      }
      const view = new DataView(record.buffer);
      const entry: Entry = {
        name: new TextDecoder().decode(record.subarray(NAME + 1, NAME + 1 + record[NAME]!)),
        place, number: view.getUint32(NUMBER), length: view.getUint32(LENGTH), key: record.slice(KEY, NAME),
      };
      if (view.getUint32(0) !== checksum(record) || !files.has(String(entry.number))) {
        dropped.push(entry);
        continue;
      }
      this.next = Math.max(this.next, entry.number + 1);
      // Twice the same name: the page was closed between the new record and the end of the old.
      const twin = this.entries.get(entry.name);
      const older = twin && twin.number > entry.number ? entry : twin;
      if (older) dropped.push(older);
      if (older !== entry) this.entries.set(entry.name, entry);
    }
    const known = new Set([RING, ...[...this.entries.values()].map(({ number }) => String(number))]);
    await this.purge(dropped);
    // Files without a key: written by a page that was closed before it came to the key.
    for (const name of files) if (!known.has(name)) await this.folder.remove(name).catch(() => {});
    all.fill(0);
  }
}

function imported(key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** How many pieces are encrypted of so many bytes: of none, too, so that they can be told from what was cut off. */
const pieces = (length: number): number => Math.max(1, Math.ceil(length / PIECE));

/** The pieces of an entry have a key to themselves; each is known by its number. */
function nonce(piece: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setUint32(8, piece);
  return bytes;
}

/** FNV-1a over all of a record but the checksum: tells a record that was cut off, and is never 0. */
function checksum(record: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of record.subarray(4)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash || 1;
}

function whole(done: number, wanted: number): void {
  if (done !== wanted) throw new DOMException(`${done} of ${wanted} bytes`, "QuotaExceededError");
}

function refusal(thrown: unknown, bytes: number): UltrareError {
  const size = `${(bytes / 1e6).toFixed(1)} MB`;
  if (thrown instanceof Error && thrown.name === "QuotaExceededError") {
    return new UltrareError({ code: "kept.room", message: `This browser has no room to keep ${size} more.` });
  }
  return new UltrareError({ code: "kept.failed", message: `${size} could not be kept: ${thrown instanceof Error ? thrown.message : String(thrown)}` });
}
