/**
 * Settings in the address: `#v1&data=sample:small&partition.shards=16`. Only what differs from the defaults is written, so
 * that links stay short and old ones keep their meaning when a default is documented as changed.
 */
import type { Settings, Json } from "../client";

export const LINK_VERSION = 1;

export interface Link {
  /** Setting paths such as `partition.shards` with their values. */
  settings: Record<string, Json>;
  /** `sample:small` or `file:NAME` (a file itself is never in a link). */
  data: string | null;
  /** Parts of the page that a teacher's link leaves out: `knobs`, `article`, `ledger`, ... */
  hide: string[];
  /** The lesson that is begun. */
  lesson: string | null;
  /** What could not be understood, in words. */
  problem: string | null;
}

export function readLink(hash: string): Link {
  const settings = new Map<string, Json>();
  const link: Link = { settings: {}, data: null, hide: [], lesson: null, problem: null };
  const text = hash.replace(/^#/, "");
  if (!text) return link;
  const [version, ...parts] = text.split("&");
  const known = /^v(\d+)$/.exec(version ?? "");
  if (!known) return link;
  if (Number(known[1]) > LINK_VERSION) {
    link.problem = `This link is of version ${known[1]}; this page reads versions up to ${LINK_VERSION}. Defaults are used.`;
    return link;
  }
  for (const part of parts) {
    const at = part.indexOf("=");
    if (at < 1) continue;
    const key = decode(part.slice(0, at));
    const value = decode(part.slice(at + 1));
    if (key === "data") link.data = value;
    else if (key === "lesson") link.lesson = value;
    else if (key === "hide") link.hide = value.split(",").filter(Boolean);
    else if (/^[a-z_]+(\.[a-z_]+)*$/.test(key)) settings.set(key, parse(value));
  }
  link.settings = Object.fromEntries(settings); // own properties, whatever they are called
  return link;
}

export function writeLink(link: Pick<Link, "settings" | "data" | "hide"> & Partial<Pick<Link, "lesson">>): string {
  const parts = [`v${LINK_VERSION}`];
  if (link.data) parts.push(`data=${encode(link.data)}`);
  for (const key of Object.keys(link.settings).sort()) parts.push(`${key}=${encode(String(link.settings[key]))}`);
  if (link.lesson) parts.push(`lesson=${encode(link.lesson)}`);
  if (link.hide.length) parts.push(`hide=${link.hide.join(",")}`);
  return parts.length === 1 ? "" : `#${parts.join("&")}`;
}

const encode = (s: string) => encodeURIComponent(s).replace(/%3A/g, ":");
function decode(s: string): string {
  try { return decodeURIComponent(s); } catch { return s; }
}
function parse(s: string): Json {
  if (s === "true" || s === "false") return s === "true";
  if (s === "null") return null;
  return s !== "" && Number.isFinite(Number(s)) ? Number(s) : s;
}

/** The value at a dotted path, or undefined. */
export function at(config: Settings | Json | null | undefined, path: string): Json | undefined {
  let here = config as Json | undefined;
  for (const key of path.split(".")) {
    if (here === null || typeof here !== "object" || Array.isArray(here) || !Object.hasOwn(here, key)) return undefined;
    here = here[key];
  }
  return here;
}

/** The paths that `config` has no value at, or more than one. */
export function unknownSettings(settings: Record<string, Json>, config: Settings): string[] {
  return Object.keys(settings).filter((path) => {
    const value = at(config, path);
    return value === undefined || (value !== null && typeof value === "object" && !Array.isArray(value));
  });
}

/** `{ "a.b": 1 }` to `{ a: { b: 1 } }`. Its objects inherit nothing, so that no path leads out of them. */
export function nested(flat: Record<string, Json>): { [key: string]: Json } {
  const empty = () => Object.create(null) as { [key: string]: Json };
  const out = empty();
  for (const [path, value] of Object.entries(flat)) {
    const keys = path.split(".");
    let here = out;
    for (const key of keys.slice(0, -1)) {
      const below = here[key];
      here = here[key] = typeof below === "object" && below !== null && !Array.isArray(below) ? below : empty();
    }
    here[keys.at(-1)!] = value;
  }
  return out;
}
