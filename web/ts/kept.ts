import { UltrareError } from "./errors.js";
import { clearOthers, type Place } from "./tabs.js";
import type { Kept } from "./types.js";

/** What a page puts there itself; other areas belong to the session. */
const PAGE = "page/";

/** What is kept in a browser, over this tab's place, which is opened meanwhile. */
export function keptIn(base: string, place: Promise<Place>): Kept {
  const area = async () => (await place).vault.area(PAGE);
  return {
    put: async (key, bytes) => (await area()).put(key, bytes),
    get: async (key) => (await area()).get(key),
    keys: async () => (await area()).keys(),
    retain: async (keys) => (await area()).retain(keys),
    clear: async () => (await area()).clear(),
    async clearAll() {
      const { vault, name } = await place;
      await vault.clear();
      return clearOthers(base, name);
    },
  };
}

/** What is said by everything that keeps nothing. */
export function keptNowhere(): UltrareError {
  return new UltrareError({ code: "kept.unavailable", message: "Nothing is kept: the session was opened without `keep`, or not in a browser." });
}
