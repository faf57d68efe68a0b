import { UltrareError } from "./errors.js";

type Plain = Record<string, unknown>;

function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/**
 * `base` with the parts that `patch` names replaced, at any depth; lists are replaced as a whole. Neither is changed. A name that
 * `base` does not have is refused: a misspelt setting would otherwise be ignored in silence.
 */
export function merge<T>(base: T, patch: unknown, path = ""): T {
  if (patch === undefined) return base;
  if (!isPlain(base) || !isPlain(patch)) return patch as T;
  const merged: Plain = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (!Object.hasOwn(base, key)) {
      const message = `There is no setting ${path}${key}: there are ${Object.keys(base).map((name) => path + name).join(", ")}.`;
      throw new UltrareError({ code: "config.unknown", message });
    }
    merged[key] = merge(merged[key], value, `${path}${key}.`);
  }
  return merged as T;
}
