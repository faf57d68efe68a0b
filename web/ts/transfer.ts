/**
 * Gives the memory of bytes that nobody needs any more back at once: the collector sees small objects, whose large buffers it is in
 * no hurry to free. They are empty afterwards.
 */
export function release(bytes: Uint8Array): void {
  const buffer = bytes.buffer as { transfer?: (length: number) => unknown };
  buffer.transfer?.(0);
}

/**
 * The buffers inside a message, so that they move instead of being copied. Looks at arrays and plain objects three levels
 * deep, which is where results and events keep theirs.
 */
export function buffers(value: unknown, depth = 3, found = new Set<ArrayBuffer>()): ArrayBuffer[] {
  if (value instanceof Uint8Array && value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  else if (depth > 0 && typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
    for (const inner of Object.values(value)) buffers(inner, depth - 1, found);
  }
  return [...found];
}
