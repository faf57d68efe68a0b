import { UltrareError } from "./errors.js";
import type { Query, Visited } from "./types.js";

/** What a value is, in a refusal. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === "object") return Array.isArray(value) ? "a list" : `an object (${Object.keys(value).slice(0, 5).join(", ") || value.constructor?.name || "empty"})`;
  return typeof value === "function" ? "a function" : String(value);
}

/** An argument that is none of those that are expected. Nothing has been done. */
export function refused(what: string, expected: string, value: unknown): UltrareError {
  return new UltrareError({ code: "argument", message: `${what} is ${expected}, not ${shown(value)}.` });
}

export function text(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw refused(what, "text", value);
}

/** An id, which may be given as a number. */
export function id(value: unknown, what: string): string {
  if (typeof value === "string" || typeof value === "bigint" || Number.isSafeInteger(value)) return String(value);
  throw refused(what, "an id: text, or a whole number", value);
}

export function texts(value: unknown, what: string): string[] {
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value;
  throw refused(what, "a list of texts", value);
}

/** A whole number from `least` to `most`. */
export function whole(value: unknown, what: string, least: number, most = 4_294_967_295): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  throw refused(what, `a whole number from ${least} to ${most}`, value);
}

export function bytes(value: unknown, what: string): Uint8Array<ArrayBuffer> {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
  throw refused(what, "bytes (a Uint8Array or an ArrayBuffer)", value);
}

/** A plain object; `names` are those that it may have, where they are given. */
export function plain<T>(value: T, what: string, names?: readonly string[]): T & object {
  const expected = names ? `an object with ${names.join(", ")}, each if it is wanted` : "an object";
  if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) throw refused(what, expected, value);
  const unknown = names && Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UltrareError({ code: "argument", message: `${what} has no ${unknown}: it has ${names!.join(", ")}.` });
  return value;
}

/** A text that is one of a few. */
export function oneOf<T extends string>(value: unknown, what: string, names: readonly T[]): T {
  if (names.includes(value as T)) return value as T;
  throw refused(what, `one of ${names.join(", ")}`, value);
}

/** Who watches: a signal and a function, each if it is wanted. */
export function watch<T extends { signal?: unknown; onProgress?: unknown }>(value: T): T {
  plain(value, "the last argument", ["signal", "onProgress"]);
  const { signal, onProgress } = value;
  if (signal !== undefined && typeof (signal as { addEventListener?: unknown } | null)?.addEventListener !== "function") throw refused("signal", "an AbortSignal", signal);
  if (onProgress !== undefined && typeof onProgress !== "function") throw refused("onProgress", "a function", onProgress);
  return value;
}

/** How many items at most, or a query. */
export function queryOf(value: number | Partial<Query> | undefined): Partial<Query> {
  if (value === undefined) return {};
  if (typeof value === "number") return { top: whole(value, "the number of items", 0) };
  return plain(value, "the query", ["top", "exclude", "only", "seen"]);
}

/** What a visitor shows, as pairs of item and value. */
export function visited(rows: unknown): [string, number][] {
  const expected = "a list of items, or of items with values ({ item, value } or [item, value])";
  if (!Array.isArray(rows)) throw refused("what the visitor shows", expected, rows);
  return rows.map((row: Visited): [string, number] => {
    const [item, value = 1] = Array.isArray(row) ? row : typeof row === "object" && row !== null ? [(row as { item: unknown }).item, (row as { value?: unknown }).value] : [row];
    if (!Number.isFinite(value)) throw refused("what the visitor shows", expected, row);
    return [id(item, "an item that the visitor shows"), value as number];
  });
}
