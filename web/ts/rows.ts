import { shown } from "./check.js";
import { UltrareError, cancelled } from "./errors.js";
import { Gate } from "./gate.js";
import type { RowLike, RowSource, Streamed, Watch } from "./types.js";

/** Text of this length is put away at a time. */
const PIECE = 1 << 18;
/** Rows between two looks whether the thread is wanted for something else. */
const BATCH = 500;

/** Rows from anywhere, as a file of JSON lines: what a reader takes. Gives the thread back every few milliseconds. */
export async function rowsFile(given: RowSource, { signal }: Watch = {}): Promise<Blob> {
  const parts: Blob[] = [];
  const gate = new Gate();
  let lines: string[] = [];
  let [length, count] = [0, 0];
  const put = () => {
    parts.push(new Blob(lines));
    [lines, length] = [[], 0];
  };
  try {
    for await (const row of rows(given)) {
      const line = lineOf(row, count++);
      lines.push(line);
      length += line.length;
      if (length >= PIECE) put();
      if (count % BATCH === 0) await gate.pass();
      if (signal?.aborted) throw cancelled();
    }
  } catch (thrown) {
    if (thrown instanceof UltrareError) throw thrown;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new UltrareError({ code: "read.rows", message: `The rows broke off after ${count}: ${why}` });
  } finally {
    gate.close();
  }
  put();
  return new Blob(parts);
}

/** Is it something that gives rows one after another? */
function rows(given: RowSource): Iterable<RowLike> | AsyncIterable<RowLike> {
  if (typeof given === "object" && given !== null) {
    if (Symbol.asyncIterator in given || Symbol.iterator in given) return given as Iterable<RowLike>;
    if ("getReader" in given) return streamed(given);
  }
  throw new UltrareError({ code: "read.source", message: `rows is a list, an iterable, an async iterable or a stream of rows, not ${shown(given)}.` });
}

/** Not every browser can go through a stream by itself. */
export async function* streamed<T>(stream: Streamed<T>): AsyncGenerator<T, void, undefined> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value as T;
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

/** A row as a line of JSON, under the names that a reader knows. */
function lineOf(row: RowLike, at: number): string {
  const refuse = (what: string) => {
    const message = `Row ${at + 1} is ${what}: a row is { user, item, value, time } or [user, item, value, time], where value and time may be left out.`;
    return new UltrareError({ code: "read.rows", message });
  };
  if (typeof row !== "object" || row === null) throw refuse(shown(row));
  const { user, item, value, time } = (Array.isArray(row) ? { user: row[0], item: row[1], value: row[2], time: row[3] } : row) as Exclude<RowLike, readonly unknown[]>;
  for (const [name, id] of [["user", user], ["item", item]] as const) {
    if (typeof id !== "string" && typeof id !== "bigint" && !Number.isSafeInteger(id)) throw refuse(`without ${name === "item" ? "an item" : "a user"} (${name} is ${shown(id)})`);
  }
  if (value !== undefined && !Number.isFinite(value)) throw refuse(`a row with value ${shown(value)}, which is no number`);
  const seconds = time instanceof Date ? time.getTime() / 1000 : time;
  if (seconds !== undefined && !Number.isFinite(seconds)) throw refuse(`a row with time ${shown(time)}, which is neither seconds nor a Date`);
  return `${JSON.stringify({ user: String(user), item: String(item), ...(value !== undefined && { value }), ...(seconds !== undefined && { time: seconds }) })}\n`;
}
