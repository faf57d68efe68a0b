// What a browser's tab takes of the machine's memory.

import { readFileSync, readdirSync } from "node:fs";

const file = (path) => { try { return readFileSync(path, "latin1"); } catch { return ""; } };
/** A figure of a process's status, in bytes; 0 where there is none. */
const figure = (status, name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0) * 1024;

/** The status of every tab of the browsers which this process started. */
function tabs() {
  const parents = new Map();
  for (const name of readdirSync("/proc")) {
    const parent = /^PPid:\t(\d+)$/m.exec(file(`/proc/${name}/status`));
    if (parent) parents.set(name, parent[1]);
  }
  const own = (pid) => { for (let at = pid; at; at = parents.get(at)) if (at === String(process.pid)) return true; return false; };
  return [...parents.keys()].filter((pid) => own(pid) && file(`/proc/${pid}/cmdline`).includes("--type=renderer")).map((pid) => file(`/proc/${pid}/status`));
}

/** The largest of the tabs by this measure; undefined where the system does not tell. */
function largest(measure) {
  const sizes = process.platform === "linux" ? tabs().map(measure) : [];
  return sizes.length ? Math.max(...sizes) : undefined;
}

/** The most that any tab has held at a time, in bytes, without the browser's own program, which all its processes share. */
export const tabPeak = () => largest((status) => figure(status, "VmHWM") - figure(status, "RssFile"));
