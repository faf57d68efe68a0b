import { UltrareError } from "./errors.js";
import { clearOthers, type Place } from "./tabs.js";
import { release } from "./transfer.js";
import type { Kept, Snapshot } from "./types.js";
import type { Parts } from "./vault.js";

/** What a page puts there itself; other areas belong to the session. */
const PAGE = "page/";

/** Bytes of the name under which an experiment lies: with what is kept beside it, so that the two are of one moment. */
const TAG = 8;
/** The end of such a name: other names under the same key are the caller's. */
const TAGGED = /^[0-9a-f]{16}$/;

/** What is needed of whoever holds the experiment. */
interface Holder {
  saving(): Parts & { free(): void };
  restore(bytes: Uint8Array): Promise<Snapshot>;
}

/** What is kept in a browser, over this tab's place, which is opened meanwhile. */
export function keptIn(base: string, place: Promise<Place>, holder: () => Holder): Kept {
  const area = async () => (await place).vault.area(PAGE);
  /** How often something was purged: what was begun before is then not finished. */
  let purged = 0;
  const purging = <T>(done: Promise<T>): Promise<T> => (purged++, done);
  const named = (key: string, tag: Uint8Array) => `${key}/${Array.from(tag, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  return {
    async keepExperiment(key, beside, most = Infinity) {
      const before = purged;
      const there = await area();
      if (purged !== before) return;
      const experiment = holder().saving();
      const size = experiment.length;
      if (size > most) {
        experiment.free();
        const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
        throw new UltrareError({ code: "kept.large", message: `The experiment has ${mb(size)}, and at most ${mb(most)} are kept.` });
      }
      const tag = crypto.getRandomValues(new Uint8Array(TAG));
      const head = new Uint8Array(TAG + beside.length);
      head.set(tag);
      head.set(beside, TAG);
      // In this order: what is cut off leaves the head of the one before, with its experiment.
      await there.put(named(key, tag), experiment).finally(() => experiment.free());
      if (purged !== before) return there.retain((await there.keys()).filter((name) => name !== named(key, tag)));
      await there.put(key, head);
      const earlier = (name: string) => name.startsWith(`${key}/`) && TAGGED.test(name.slice(key.length + 1)) && name !== named(key, tag);
      await there.retain((await there.keys()).filter((name) => !earlier(name)));
    },
    beside: async (key) => (await (await area()).get(key))?.slice(TAG),
    async restoreExperiment(key) {
      const there = await area();
      const head = await there.get(key);
      const experiment = head && (await there.get(named(key, head.subarray(0, TAG))));
      if (!experiment) return undefined;
      try {
        return await holder().restore(experiment);
      } finally {
        release(experiment);
      }
    },
    put: async (key, bytes) => (await area()).put(key, bytes),
    get: async (key) => (await area()).get(key),
    keys: async () => (await area()).keys(),
    retain: async (keys) => purging(area().then((there) => there.retain(keys))),
    clear: async () => purging(area().then((there) => there.clear())),
    async clearAll() {
      const { vault, name } = await purging(place);
      await vault.clear();
      return clearOthers(base, name);
    },
  };
}

/** What is said by everything that keeps nothing. */
export function keptNowhere(): UltrareError {
  return new UltrareError({ code: "kept.unavailable", message: "Nothing is kept: the session was opened without `keep`, or not in a browser." });
}
