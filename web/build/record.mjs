// The picture that a first visit sees before the library has arrived: the very run that it is about to make, recorded while building.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./setup.mjs";

/** Where each person of the first visit's sample stands, how active they are, and their shard, as the page reads it (`www/src/lib/recorded.ts`). */
export async function record(path) {
  const { open } = await import(join(root, "web/dist/node.js"));
  const start = /"#v1&([^"]+)"/.exec(readFileSync(join(root, "www/src/lib/start.ts"), "utf8"))[1];
  const asked = new Map(start.split("&").map((part) => part.split("=")));
  const session = await open();
  let positions;
  session.on((event) => { if (event.kind === "positions") positions = event; });
  await session.loadSample(asked.get("data").replace("sample:", ""), 0);
  const { "partition.method": method, ...knobs } = Object.fromEntries([...asked].filter(([path]) => path.startsWith("partition.")));
  const numbers = Object.entries(knobs).map(([path, value]) => [path.replace("partition.", ""), Number(value)]);
  await session.configure({ partition: { method, ...Object.fromEntries(numbers) } });
  await session.build("partition");
  const users = await session.users();
  session.close();
  const words = (bytes, Kind) => new Kind(bytes.slice().buffer);
  const [handles, xy] = [words(positions.handles, Uint32Array), words(positions.xy, Float32Array)];
  const at = new Map(users.handles.map((handle, row) => [handle, row]));
  const bytes = Buffer.alloc(4 + 10 * handles.length);
  bytes.writeUInt32LE(handles.length);
  handles.forEach((handle, i) => {
    const row = at.get(handle);
    const values = [handle, Math.round(32_767 * xy[2 * i]), Math.round(32_767 * xy[2 * i + 1]), Math.min(65_535, users.train_rows[row]), users.shard_of[row]];
    values.forEach((value, k) => (k === 1 || k === 2 ? bytes.writeInt16LE(value, 4 + 10 * i + 2 * k) : bytes.writeUInt16LE(value, 4 + 10 * i + 2 * k)));
  });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

await record(process.argv[2] ?? join(root, "www/.recorded/first.bin"));
