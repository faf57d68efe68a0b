// A disk for the vault, as whoever takes it out of the machine sees it.

/** A disk whose files are overwritten in place and whose deleted bytes stay where they were. */
export class Disk {
  files = new Map();
  /** Every byte ever written and never overwritten. */
  remains = [];
  room = Infinity;
  /** How many more writes come through before the power fails. */
  power = Infinity;

  folder() {
    return {
      open: async (name) => {
        if (!this.files.has(name)) this.files.set(name, []);
        const bytes = this.files.get(name);
        return {
          read: (into, { at }) => {
            const part = bytes.slice(at, at + into.length);
            into.set(part);
            return part.length;
          },
          write: (from, { at }) => {
            if (this.power-- <= 0) throw new Error("no power");
            const fits = Math.min(from.length, this.room);
            for (let n = 0; n < fits; n++) bytes[at + n] = from[n];
            return fits;
          },
          getSize: () => bytes.length,
          truncate: (size) => (bytes.length = size),
          flush: () => {},
          close: () => {},
        };
      },
      remove: async (name) => {
        if (this.power <= 0) throw new Error("no power");
        this.remains.push(...this.files.get(name));
        this.files.delete(name);
      },
      names: async () => [...this.files.keys()],
    };
  }

  /** All that whoever takes the disk out can read. */
  text() {
    return [...this.files.values(), this.remains].map((bytes) => Buffer.from(bytes).toString("latin1")).join("\n");
  }
}
