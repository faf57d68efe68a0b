// A real Chromium: the one of this system, or Debian's where it can be installed. Never skipped in silence.

import { existsSync } from "node:fs";
import { Missing, ask, run } from "../../web/build/setup.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const PLACES = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

function find() {
  if (process.env.CHROME_PATH) {
    if (existsSync(process.env.CHROME_PATH)) return process.env.CHROME_PATH;
    throw new Missing(`CHROME_PATH names ${process.env.CHROME_PATH}, which is not there.`);
  }
  for (const name of NAMES) {
    const path = process.platform === "win32" ? null : ask("which", [name]);
    if (path) return path;
  }
  return PLACES.find((path) => existsSync(path));
}

/** Path of the browser; installed first where that is possible. */
export function chromium() {
  let path = find();
  if (!path && process.getuid?.() === 0 && ask("which", ["apt-get"])) {
    console.log("setup: installing Chromium with apt-get");
    run("apt-get", ["update", "-q"]);
    run("apt-get", ["install", "-y", "-q", "--no-install-recommends", "chromium"], { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
    path = find();
  }
  if (!path) throw new Missing("Chromium is missing: install Chromium or Chrome (on Debian: apt-get install chromium), or name it in CHROME_PATH.");
  return path;
}

/** Without any traffic of its own. */
const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
// Not at the top: the runner asks for the browser's path before any package is installed.
const driver = async () => (await import("playwright-core")).chromium;

export async function launch(options = {}) {
  return (await driver()).launch({ executablePath: chromium(), headless: true, args: ARGS, ...options });
}

/** Starts it with a profile in this folder, which outlasts it. */
export async function launchWith(profile, options = {}) {
  return (await driver()).launchPersistentContext(profile, { executablePath: chromium(), headless: true, args: ARGS, ...options });
}
