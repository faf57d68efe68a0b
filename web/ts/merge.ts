type Plain = Record<string, unknown>;

function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** `base` with the parts that `patch` names replaced, at any depth; lists are replaced as a whole. Neither is changed. */
export function merge<T>(base: T, patch: unknown): T {
  if (patch === undefined) return base;
  if (!isPlain(base) || !isPlain(patch)) return patch as T;
  const merged: Plain = { ...base };
  for (const [key, value] of Object.entries(patch)) merged[key] = merge(merged[key], value);
  return merged as T;
}
