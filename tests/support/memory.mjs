// What a browser's tab takes of the machine's memory.

import { readFileSync, readdirSync } from "node:fs";

const file = (path) => { try { return readFileSync(path, "latin1"); } catch { return ""; } };

/**
 * The most that any tab of the browsers which this process started has held at a time, in bytes, without the browser's own program,
 * which all its processes share; undefined where the system does not tell.
 */
export function tabPeak() {
  if (process.platform !== "linux") return undefined;
  const parents = new Map();
  for (const name of readdirSync("/proc")) {
    const parent = /^PPid:\t(\d+)$/m.exec(file(`/proc/${name}/status`));
    if (parent) parents.set(name, parent[1]);
  }
  const own = (pid) => { for (let at = pid; at; at = parents.get(at)) if (at === String(process.pid)) return true; return false; };
  const peaks = [...parents.keys()].filter((pid) => own(pid) && file(`/proc/${pid}/cmdline`).includes("--type=renderer"))
    .map((pid) => {
      const status = file(`/proc/${pid}/status`);
      const kilobytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
      return (kilobytes("VmHWM") - kilobytes("RssFile")) * 1024;
    });
  return peaks.length ? Math.max(...peaks) : undefined;
}
