// What a first visit sees before the library has arrived: how the very run that it is about to make divides people, recorded while building.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./setup.mjs";

/** As in the byte before, of the picture before: most people stay where they are. */
const SAME = 255;

/** Where each person of the first visit's sample stands, how active they are, and their shard from step to step, as the page reads it (`www/src/lib/recorded.ts`). */
export async function record(path) {
  const words = (bytes, Kind) => new Kind(bytes.slice().buffer);
  const { open } = await import(join(root, "web/dist/node.js"));
  const start = /"#v1&([^"]+)"/.exec(readFileSync(join(root, "www/src/lib/start.ts"), "utf8"))[1];
  const asked = new Map(start.split("&").map((part) => part.split("=")));
  const session = await open();
  let positions;
  const steps = [];
  session.on((event) => {
    if (event.kind === "positions") positions = event;
    if (event.kind === "cluster") steps.push(words(event.shard_of, Uint16Array));
  });
  await session.loadSample(asked.get("data").replace("sample:", ""), 0);
  const { "partition.method": method, ...knobs } = Object.fromEntries([...asked].filter(([path]) => path.startsWith("partition.")));
  const numbers = Object.entries(knobs).map(([path, value]) => [path.replace("partition.", ""), Number(value)]);
  await session.configure({ partition: { method, ...Object.fromEntries(numbers) } });
  await session.build("partition");
  const users = await session.users();
  session.close();
  const [handles, xy] = [words(positions.handles, Uint32Array), words(positions.xy, Float32Array)];
  const at = new Map(users.handles.map((handle, row) => [handle, row]));
  const n = handles.length;
  const frames = steps.filter((step) => step.length === n);
  const bytes = Buffer.alloc(8 + (10 + frames.length) * n);
  bytes.writeUInt32LE(n);
  bytes.writeUInt32LE(frames.length, 4);
  handles.forEach((handle, i) => {
    const row = at.get(handle);
    const values = [handle, Math.round(32_767 * xy[2 * i]), Math.round(32_767 * xy[2 * i + 1]), Math.min(65_535, users.train_rows[row]), users.shard_of[row]];
    values.forEach((value, k) => (k === 1 || k === 2 ? bytes.writeInt16LE(value, 8 + 10 * i + 2 * k) : bytes.writeUInt16LE(value, 8 + 10 * i + 2 * k)));
  });
  frames.forEach((step, at) => step.forEach((shard, i) => { bytes[8 + (10 + at) * n + i] = at && frames[at - 1][i] === shard ? SAME : shard; }));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

await record(process.argv[2] ?? join(root, "www/.recorded/first.bin"));
